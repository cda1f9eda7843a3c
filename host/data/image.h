/* Pictures in memory: decoded from PNG or JPEG, and resized. */
#ifndef RNCL_DATA_IMAGE_H
#define RNCL_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* One decoded picture: RGB, 8 bits, rows from the top without gaps. `pixels` is malloc'd and owned. */
typedef struct rncl_image {
    uint32_t height, width;
    uint8_t *pixels;
} rncl_image;

typedef enum rncl_image_kind { RNCL_IMAGE_UNKNOWN, RNCL_IMAGE_PNG, RNCL_IMAGE_JPEG } rncl_image_kind;

/* By the first bytes. */
rncl_image_kind rncl_image_recognise(const void *bytes, size_t size);

/* Reads the header only. */
rncl_status rncl_image_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width);

/* A JPEG may be decoded at the smallest scale whose shorter side is still at least `at_least` pixels (0: full
 * size). RNCL_ERR_DATA: not a picture, damaged, truncated, too large. Messages do not name the file: the
 * caller does. */
rncl_status rncl_image_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image);
void rncl_image_fini(rncl_image *image); /* takes zeroed ones */

/* A part of a picture in pixels, which may be fractions. */
typedef struct rncl_window {
    float top, left, height, width;
} rncl_window;

/* Writes the window as height x width x 3 bytes, with Pillow's anti-aliased bilinear filter. */
rncl_status rncl_image_resize(const rncl_image *from, const rncl_window *window, uint32_t height,
                              uint32_t width, uint8_t *rgb);

#endif
