/* Pictures as bytes: height x width x channels, HWC. */
#ifndef RNCL_DATA_PICTURE_H
#define RNCL_DATA_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Whether rncl_picture_convert can make `to` channels of `from`. */
bool rncl_picture_convertible(int from, int to);

/* Repeats one channel, averages several into one (rounded), or copies. `from` and `to` do not overlap. */
void rncl_picture_convert(const uint8_t *from, int from_channels, uint8_t *to, int to_channels,
                          size_t pixel_count);

/* Mean and standard deviation of each channel, pixel values scaled to 0..1. A channel of one value has
 * deviation 1, so that it is left as it is. */
void rncl_picture_statistics(const uint8_t *pixels, size_t pixel_count, int channels, float *mean,
                             float *std);

/* All of a picture in another size, with the filter of rncl_image_resize; a size that stays is copied
 * exactly. `from` and `to` do not overlap. RNCL_ERR_MEMORY. */
rncl_status rncl_picture_resize(const uint8_t *from, int height, int width, int channels, uint8_t *to,
                                int to_height, int to_width);

#endif
