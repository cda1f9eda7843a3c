/* Draws JPEGs of every kind for tests, with libjpeg. */
#ifndef RNCL_TESTS_DATA_JPEG_TEST_H
#define RNCL_TESTS_DATA_JPEG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "image.h"

enum { HEIGHT = 80, WIDTH = 100 };

typedef struct jpeg_file {
    unsigned char *bytes;
    unsigned long size;
} jpeg_file;

typedef struct jpeg_kind {
    int channels; /* drawn: 3 (RGB) or 4 (the inks of a CMYK file as they are stored) */
    J_COLOR_SPACE stored;
    int sampling[4][2]; /* of each component, horizontally and vertically; zeros: libjpeg's own */
    bool progressive, arithmetic;
} jpeg_kind;

/* A smooth picture, which JPEG changes little. */
static void draw(uint8_t *pixels, int channels)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < channels; c++)
                pixels[(y * WIDTH + x) * channels + c] = (uint8_t)(c == 0   ? 2 * x + 20
                                                                   : c == 1 ? 2 * y + 40
                                                                   : c == 2 ? 250 - x - y
                                                                            : 255 - x);
}

static void configure(struct jpeg_compress_struct *jpeg, const jpeg_kind *kind)
{
    enum { QUALITY = 97 };
    jpeg->image_height = HEIGHT;
    jpeg->image_width = WIDTH;
    jpeg->input_components = kind->channels;
    jpeg->in_color_space = kind->channels == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, kind->stored);
    jpeg_set_quality(jpeg, QUALITY, TRUE);
    for (int c = 0; c < jpeg->num_components && kind->sampling[0][0]; c++) {
        jpeg->comp_info[c].h_samp_factor = kind->sampling[c][0];
        jpeg->comp_info[c].v_samp_factor = kind->sampling[c][1];
    }
    jpeg->arith_code = kind->arithmetic;
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
}

/* Caller frees the bytes. */
static jpeg_file compress(const jpeg_kind *kind)
{
    uint8_t pixels[HEIGHT * WIDTH * 4];
    draw(pixels, kind->channels);
    jpeg_file file = {0};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; /* the standard one: a mistake here ends the test */
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &file.size);
    configure(&jpeg, kind);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < HEIGHT; y++) {
        JSAMPROW row = pixels + (size_t)y * WIDTH * (size_t)kind->channels;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

#endif
