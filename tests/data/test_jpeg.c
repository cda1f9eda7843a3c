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

/* Where the first marker `code` (0xFFxx) of a file is. */
static unsigned char *find_marker(const jpeg_file *file, unsigned char code)
{
    for (unsigned char *at = file->bytes + 2; at + 4 < file->bytes + file->size;
         at += 2 + (at[2] << 8 | at[3]))
        if (at[1] == code)
            return at;
    fail_msg("no marker %02x", code);
    return NULL;
}

/* What libjpeg-turbo stores of four inks, where the file says that these are the inks themselves. */
static int from_stored_inks(const uint8_t *drawn, int c)
{
    const double cyan = 255 - drawn[0], magenta = 255 - drawn[1], yellow = 255 - drawn[2];
    const double stored[] = {0.299 * cyan + 0.587 * magenta + 0.114 * yellow,
                             -0.168736 * cyan - 0.331264 * magenta + 0.5 * yellow + 128,
                             0.5 * cyan - 0.418688 * magenta - 0.081312 * yellow + 128};
    return (int)(stored[c] * drawn[3] / 255 + 0.5);
}

static void four_inks_that_were_stored_as_they_are_decode(void **state)
{
    (void)state;
    enum { ADOBE = 0xee, TRANSFORM = 15 }; /* 2: YCCK, 0: CMYK */
    jpeg_file file = compress(4, TJPF_CMYK, TJSAMP_444, 0);
    unsigned char *transform = find_marker(&file, ADOBE) + TRANSFORM;
    assert_int_equal(*transform, 2);
    *transform = 0;
    assert_true(error_of(&file, from_stored_inks, 4) < 2.0);
    tjFree(file.bytes);
}

static void a_header_that_promises_too_much_is_refused(void **state)
{
    (void)state;
    enum { FRAME = 0xc0, PICTURE_SIZE = 5 };
    jpeg_file file = compress(3, TJPF_RGB, TJSAMP_420, 0);
    memset(find_marker(&file, FRAME) + PICTURE_SIZE, 0x70, 4); /* 28784 x 28784 */
    uint32_t height, width;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &height, &width), RNCL_ERR_DATA);
    rncl_image image;
    assert_int_equal(rncl_image_decode(file.bytes, file.size, 100, &image), RNCL_ERR_DATA);
    assert_non_null(strstr(rncl_status_message(), "28784 x 28784"));
    assert_null(image.pixels);
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
        for (unsigned long cut = 0; cut < file.size; cut++) {
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
        cmocka_unit_test(four_inks_that_were_stored_as_they_are_decode),
        cmocka_unit_test(a_header_that_promises_too_much_is_refused),
        cmocka_unit_test(the_smallest_sufficient_scale_is_decoded),
        cmocka_unit_test(a_file_that_ends_too_early_is_refused),
        cmocka_unit_test(random_damage_never_does_harm),
        cmocka_unit_test(probing_reads_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
