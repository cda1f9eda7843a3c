/* The orientation of a picture in the metadata that cameras and programs add to it. */
#ifndef RNCL_DATA_EXIF_H
#define RNCL_DATA_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* An EXIF block: a TIFF header and its first directory, with or without "Exif\0\0" before them. 0: it says
 * nothing that can be understood, or the block is damaged. */
int rncl_exif_orientation(const uint8_t *exif, size_t size);

/* The same of an XMP packet. Pictures with both go by EXIF. */
int rncl_xmp_orientation(const uint8_t *xmp, size_t size);

#endif
