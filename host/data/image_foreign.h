/* What people have among their pictures that rncl does not read: said by name, with what to do. */
#ifndef RNCL_DATA_IMAGE_FOREIGN_H
#define RNCL_DATA_IMAGE_FOREIGN_H

#include <stddef.h>

/* By the first bytes of a file, or by the suffix of its name ("" or ".bmp"): a text such as "a BMP picture,
 * which rncl does not read: convert it to PNG or JPEG"; NULL: nothing is known about it. */
const char *rncl_image_foreign_bytes(const void *bytes, size_t size);
const char *rncl_image_foreign_suffix(const char *suffix);

#endif
