/* Resizing gives the same bytes as Pillow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "image.h"
#include "picture.h"
#include "util.h"

typedef struct resize_case {
    uint32_t height, width;
    rncl_window window;
    uint32_t out_height, out_width;
    const unsigned char *expected;
} resize_case;

#include "golden/resize_golden.h"

/* As make_resize_golden.py draws it. */
static rncl_image picture(uint32_t height, uint32_t width)
{
    rncl_image image = {.height = height, .width = width, .pixels = malloc((size_t)height * width * 3)};
    assert_non_null(image.pixels);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t c = 0; c < 3; c++)
                image.pixels[(y * width + x) * 3 + c] =
                    (uint8_t)((y * 7919 + x * 104729 + c * 1299709 + y * x * 31) % 251);
    return image;
}

static void resizing_gives_what_pillow_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const resize_case *c = &cases[i];
        rncl_image image = picture(c->height, c->width);
        size_t bytes = (size_t)c->out_height * c->out_width * 3;
        uint8_t *out = malloc(bytes);
        assert_non_null(out);
        assert_int_equal(rncl_image_resize(&image, &c->window, c->out_height, c->out_width, out), RNCL_OK);
        assert_memory_equal(out, c->expected, bytes);
        free(out);
        rncl_image_fini(&image);
    }
}

static void a_picture_of_one_colour_keeps_it_at_every_size(void **state)
{
    (void)state;
    rncl_image image = picture(31, 17);
    for (size_t i = 0; i < 31 * 17 * 3; i++)
        image.pixels[i] = 200;
    for (uint32_t size = 1; size < 70; size += 4) {
        uint8_t *out = malloc((size_t)size * size * 3);
        assert_non_null(out);
        const rncl_window all = {.height = 31, .width = 17};
        assert_int_equal(rncl_image_resize(&image, &all, size, size, out), RNCL_OK);
        for (size_t j = 0; j < (size_t)size * size * 3; j++)
            assert_int_equal(out[j], 200);
        free(out);
    }
    rncl_image_fini(&image);
}

/* One channel gives the same as three equal ones, and four give the same as each alone. */
static void every_number_of_channels_is_resized_alike(void **state)
{
    (void)state;
    enum { HEIGHT = 19, WIDTH = 23, TO_HEIGHT = 8, TO_WIDTH = 31, CHANNELS = 4 };
    uint8_t four[HEIGHT * WIDTH * CHANNELS], one[HEIGHT * WIDTH], three[HEIGHT * WIDTH * 3];
    uint8_t to_four[TO_HEIGHT * TO_WIDTH * CHANNELS], to_one[TO_HEIGHT * TO_WIDTH],
        to_three[TO_HEIGHT * TO_WIDTH * 3];
    for (size_t i = 0; i < sizeof four; i++)
        four[i] = (uint8_t)(i * i * 7 + i * 31);
    assert_int_equal(rncl_picture_resize(four, HEIGHT, WIDTH, CHANNELS, to_four, TO_HEIGHT, TO_WIDTH),
                     RNCL_OK);
    for (size_t c = 0; c < CHANNELS; c++) {
        for (size_t i = 0; i < sizeof one; i++)
            one[i] = four[i * CHANNELS + c];
        rncl_picture_convert(one, 1, three, 3, sizeof one);
        assert_int_equal(rncl_picture_resize(one, HEIGHT, WIDTH, 1, to_one, TO_HEIGHT, TO_WIDTH), RNCL_OK);
        assert_int_equal(rncl_picture_resize(three, HEIGHT, WIDTH, 3, to_three, TO_HEIGHT, TO_WIDTH),
                         RNCL_OK);
        for (size_t i = 0; i < sizeof to_one; i++) {
            assert_int_equal(to_one[i], to_four[i * CHANNELS + c]);
            assert_int_equal(to_one[i], to_three[i * 3 + c % 3]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_gives_what_pillow_gives),
        cmocka_unit_test(every_number_of_channels_is_resized_alike),
        cmocka_unit_test(a_picture_of_one_colour_keeps_it_at_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
