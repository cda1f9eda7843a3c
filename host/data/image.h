/* Pictures in memory: decoded from PNG or JPEG, and resized. */
#ifndef RNCL_DATA_IMAGE_H
#define RNCL_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* One decoded picture: RGB, 8 bits, rows from the top without gaps. `pixels` is malloc'd and owned. Grey is
 * repeated, transparency is dropped, 16 bits are rounded to 8, four inks are taken as Adobe stores them. */
typedef struct rncl_image {
    uint32_t height, width;
    uint8_t *pixels;
} rncl_image;

typedef enum rncl_image_kind { RNCL_IMAGE_UNKNOWN, RNCL_IMAGE_PNG, RNCL_IMAGE_JPEG } rncl_image_kind;

/* By the first bytes; says nothing of the rest. */
rncl_image_kind rncl_image_recognise(const void *bytes, size_t size);

/* Reads the header only. Both sizes are in pixels and those of the file. RNCL_ERR_DATA as from
 * rncl_image_decode, but for damage behind the header; RNCL_ERR_MEMORY. */
rncl_status rncl_image_probe(const void *bytes, size_t size, uint32_t *height, uint32_t *width);

/* A JPEG may be decoded at the smallest scale whose shorter side is still at least `at_least` pixels (0: full
 * size). RNCL_ERR_DATA: not a picture, damaged, truncated, of more than 2^26 pixels, or a JPEG where rncl was
 * built without libjpeg-turbo; RNCL_ERR_MEMORY. On failure *image is zeroed. Messages do not name the file:
 * the caller does. */
rncl_status rncl_image_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image *image);
void rncl_image_fini(rncl_image *image); /* takes zeroed ones */

/* A part of a picture in pixels, which may be fractions. */
typedef struct rncl_window {
    float top, left, height, width;
} rncl_window;

/* Writes the window as height x width x 3 bytes (at least 1 x 1), with Pillow's anti-aliased bilinear filter:
 * the same bytes as its resize(..., BILINEAR, box=...). The window lies inside the picture; what rounding has
 * put outside is cut off. RNCL_ERR_MEMORY. */
rncl_status rncl_image_resize(const rncl_image *from, const rncl_window *window, uint32_t height,
                              uint32_t width, uint8_t *rgb);

#endif
