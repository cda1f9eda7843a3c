/* Images of the caller's memory as a data set. */
#ifndef RNCL_DATA_MEMORY_H
#define RNCL_DATA_MEMORY_H

#include "dataset.h"
#include "rncl/images.h"

/* Whether the set can be read: RNCL_ERR_SHAPE for sizes that make no image, RNCL_ERR_USAGE without pixels;
 * with `labelled` RNCL_ERR_USAGE without labels or classes, RNCL_ERR_DATA for a label out of range. `name` is
 * for messages. */
rncl_status rncl_memory_check(const rncl_image_set *images, bool labelled, const char *name);

/* Pixels of image `index`, [height][width][channels]. Thread-safe if the caller's `read` is. */
rncl_status rncl_memory_read(const rncl_image_set *images, uint32_t index, uint8_t *pixels);

/* Opens a set that has been checked. With labels, mean and deviation are measured on at most 4096 images,
 * evenly spaced; without, all images are labelled RNCL_NO_LABEL. What `images` points to outlives the data
 * set; the struct is copied. */
rncl_status rncl_memory_open(const rncl_image_set *images, rncl_dataset **out);

#endif
