/* JPEGs of every kind decode; damaged ones are refused. Made with libjpeg-turbo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <turbojpeg.h>

#include "image.h"
#include "random.h"
#include "util.h"

enum { HEIGHT = 80, WIDTH = 100 };

typedef struct jpeg_file {
    unsigned char *bytes;
    unsigned long size;
} jpeg_file;

/* A smooth picture, which JPEG keeps well. `channels` of 3 (RGB) or 4 (the inks of a CMYK file as they are
 * stored). */
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

static jpeg_file compress(int channels, int format, int subsampling, int flags)
{
    uint8_t pixels[HEIGHT * WIDTH * 4];
    draw(pixels, channels);
    jpeg_file file = {0};
    tjhandle jpeg = tjInitCompress();
    assert_non_null(jpeg);
    assert_int_equal(
        tjCompress2(jpeg, pixels, WIDTH, 0, HEIGHT, format, &file.bytes, &file.size, subsampling, 97, flags),
        0);
    tjDestroy(jpeg);
    return file;
}

/* Mean difference of the decoded picture from what `expect` says of its pixels. */
static double error_of(const jpeg_file *file, int (*expect)(const uint8_t *drawn, int c), int channels)
{
    uint8_t drawn[HEIGHT * WIDTH * 4];
    draw(drawn, channels);
    rncl_image image;
    assert_int_equal(rncl_image_decode(file->bytes, file->size, 0, &image), RNCL_OK);
    assert_int_equal(image.height, HEIGHT);
    assert_int_equal(image.width, WIDTH);
    double sum = 0;
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < 3; c++)
            sum += abs(image.pixels[i * 3 + c] - expect(drawn + i * channels, c));
    rncl_image_fini(&image);
    return sum / (HEIGHT * WIDTH * 3);
}

static int same(const uint8_t *drawn, int c)
{
    return drawn[c];
}

static int luminance(const uint8_t *drawn, int c)
{
    (void)c;
    return (int)(0.299 * drawn[0] + 0.587 * drawn[1] + 0.114 * drawn[2] + 0.5);
}

static int from_inks(const uint8_t *drawn, int c)
{
    return (drawn[c] * drawn[3] + 127) / 255;
}

static void colour_decodes_with_every_subsampling(void **state)
{
    (void)state;
    static const int subsamplings[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440};
    for (size_t i = 0; i < COUNT(subsamplings); i++) {
        jpeg_file file = compress(3, TJPF_RGB, subsamplings[i], 0);
        assert_true(error_of(&file, same, 3) < 2.0);
        tjFree(file.bytes);
    }
}

static void grey_becomes_three_equal_channels(void **state)
{
    (void)state;
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_GRAY, 0);
    assert_true(error_of(&file, luminance, 3) < 1.5);
    tjFree(file.bytes);
}

static void progressive_files_decode(void **state)
{
    (void)state;
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, TJFLAG_PROGRESSIVE);
    assert_true(error_of(&file, same, 3) < 2.0);
    tjFree(file.bytes);
}

static void the_four_inks_are_taken_as_inverted(void **state)
{
    (void)state;
    jpeg_file file = compress(4, TJPF_CMYK, TJSAMP_444, 0);
    assert_true(error_of(&file, from_inks, 4) < 2.0);
    tjFree(file.bytes);
}

static void the_smallest_sufficient_scale_is_decoded(void **state)
{
    (void)state;
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, 0);
    static const uint32_t wanted[] = {1, 10, 11, 20, 40, 41, 80, 81},
                          shorter[] = {10, 10, 20, 20, 40, 50, 80, 80};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        rncl_image image;
        assert_int_equal(rncl_image_decode(file.bytes, file.size, wanted[i], &image), RNCL_OK);
        assert_int_equal(image.height, shorter[i]);
        rncl_image_fini(&image);
    }
    tjFree(file.bytes);
}

static void a_file_that_ends_too_early_is_refused(void **state)
{
    (void)state;
    static const int flags[] = {0, TJFLAG_PROGRESSIVE};
    for (size_t f = 0; f < COUNT(flags); f++) {
        jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, flags[f]);
        for (unsigned long cut = 0; cut + 64 < file.size; cut += 37) {
            rncl_image image;
            assert_int_equal(rncl_image_decode(file.bytes, cut, 0, &image), RNCL_ERR_DATA);
            assert_null(image.pixels);
        }
        tjFree(file.bytes);
    }
}

static void random_damage_never_does_harm(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, 0);
    for (int i = 0; i < 300; i++) {
        unsigned char *copy = malloc(file.size);
        assert_non_null(copy);
        memcpy(copy, file.bytes, file.size);
        for (int j = 0; j < 3; j++)
            copy[rncl_random_below(&random, (uint32_t)file.size)] =
                (unsigned char)rncl_random_below(&random, 256);
        rncl_image image;
        rncl_status st = rncl_image_decode(copy, file.size, 0, &image);
        assert_true(st == RNCL_ERR_DATA ? !image.pixels : st == RNCL_OK && image.pixels);
        rncl_image_fini(&image);
        free(copy);
    }
    tjFree(file.bytes);
}

static void probing_reads_the_size(void **state)
{
    (void)state;
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, 0);
    uint32_t height, width;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &height, &width), RNCL_OK);
    assert_int_equal(height, HEIGHT);
    assert_int_equal(width, WIDTH);
    assert_int_equal(rncl_image_recognise(file.bytes, file.size), RNCL_IMAGE_JPEG);
    tjFree(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour_decodes_with_every_subsampling),
        cmocka_unit_test(grey_becomes_three_equal_channels),
        cmocka_unit_test(progressive_files_decode),
        cmocka_unit_test(the_four_inks_are_taken_as_inverted),
        cmocka_unit_test(the_smallest_sufficient_scale_is_decoded),
        cmocka_unit_test(a_file_that_ends_too_early_is_refused),
        cmocka_unit_test(random_damage_never_does_harm),
        cmocka_unit_test(probing_reads_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
