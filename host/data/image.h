/* Pictures in memory: decoded from PNG, JPEG or WebP, turned upright, and resized. */
#ifndef RNCL_DATA_IMAGE_H
#define RNCL_DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* One decoded picture: RGB, 8 bits, rows from the top without gaps. Grey is repeated, transparency is
 * dropped, of 16 bits the upper 8 are kept, four inks are taken as Adobe stores them. */
typedef struct rncl_image {
    uint32_t height, width;
    uint8_t *pixels; /* malloc'd */
    bool borrowed;   /* the pixels are somebody else's: rncl_image_fini does not free them */
} rncl_image;

typedef enum rncl_image_kind {
    RNCL_IMAGE_UNKNOWN,
    RNCL_IMAGE_PNG,
    RNCL_IMAGE_JPEG,
    RNCL_IMAGE_WEBP
} rncl_image_kind;

/* EXIF's orientation of a picture that is stored upright. */
enum { RNCL_UPRIGHT = 1 };

/* What a file says about its picture. */
typedef struct rncl_image_header {
    uint32_t height, width; /* in pixels, as stored */
    int orientation;        /* EXIF's, 1 to 8: how to turn what is stored */
    float scale;            /* decoded pixels for each stored one, along a side; 1 or less */
} rncl_image_header;

/* By the first bytes; says nothing of the rest. */
rncl_image_kind rncl_image_recognise(const void *bytes, size_t size);

/* Reads the header only, and of the metadata what comes before the pixels. RNCL_ERR_DATA as from
 * rncl_image_decode, but for damage behind the header; RNCL_ERR_MEMORY. */
rncl_status rncl_image_probe(const void *bytes, size_t size, rncl_image_header *header);

/* Decodes a picture as it is stored: turning it is rncl_image_orient's business. A JPEG may be decoded at the
 * smallest scale whose shorter side is still at least `at_least` pixels (0: full size); its pixels then are
 * those of the whole picture, rounded up to whole pixels at the right and bottom. RNCL_ERR_DATA: not a
 * picture, damaged, truncated, of more than 3 * 2^26 pixels (16384 x 12288), or of a format that rncl was
 * built without; RNCL_ERR_MEMORY. On failure *image is zeroed. Messages do not name the file: the caller
 * does. */
rncl_status rncl_image_decode(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                              rncl_image *image);
void rncl_image_fini(rncl_image *image); /* takes zeroed ones */

/* Turns and mirrors a picture that is stored with EXIF orientation 1 to 8 so that it is upright.
 * RNCL_ERR_MEMORY; the picture then is as it was. */
rncl_status rncl_image_orient(rncl_image *image, int orientation);

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
