/* Colour jitter and lighting: what they change, and by how much. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "colour.h"
#include "util.h"

enum { PIXELS = 64, BYTES = PIXELS * 3, DRAWS = 3000 };

static rncl_random stream(uint32_t number)
{
    return rncl_random_stream(1, RNCL_RANDOM_COLOUR, 0, number);
}

/* Colours from dark to bright, none of them near the ends, so that nothing is clamped. */
static void paint(uint8_t *rgb)
{
    for (int i = 0; i < BYTES; i++)
        rgb[i] = (uint8_t)(40 + i * 37 % 80);
}

static void no_strength_changes_nothing(void **state)
{
    (void)state;
    uint8_t before[BYTES], after[BYTES];
    paint(before);
    paint(after);
    rncl_random random = stream(0);
    const rncl_colour_jitter none = {0};
    rncl_colour_jitter_apply(&none, &random, after, PIXELS);
    assert_memory_equal(before, after, BYTES);
}

static void brightness_is_one_factor_for_all_bytes(void **state)
{
    (void)state;
    const rncl_colour_jitter jitter = {.brightness = 0.5f};
    float least = 9, most = 0;
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        uint8_t before[BYTES], after[BYTES];
        paint(before);
        paint(after);
        rncl_random random = stream(draw);
        rncl_colour_jitter_apply(&jitter, &random, after, PIXELS);
        float sum = 0, sum_before = 0;
        for (int i = 0; i < BYTES; i++) {
            sum += after[i];
            sum_before += before[i];
        }
        const float factor = sum / sum_before;
        for (int i = 0; i < BYTES; i++)
            assert_float_equal(after[i], factor * before[i], 1.2f);
        least = MIN(least, factor);
        most = MAX(most, factor);
    }
    assert_float_equal(least, 0.5f, 0.01f);
    assert_float_equal(most, 1.5f, 0.01f);
}

static void contrast_spreads_round_the_mean_grey(void **state)
{
    (void)state;
    const rncl_colour_jitter jitter = {.contrast = 0.5f};
    uint8_t before[BYTES], after[BYTES];
    paint(before);
    paint(after);
    rncl_random random = stream(3);
    rncl_colour_jitter_apply(&jitter, &random, after, PIXELS);
    float grey = 0;
    for (int i = 0; i < BYTES; i += 3)
        grey += (0.299f * before[i] + 0.587f * before[i + 1] + 0.114f * before[i + 2]) / PIXELS;
    const float factor = (float)(after[1] - after[0]) / (float)(before[1] - before[0]);
    assert_true(fabsf(factor - 1) > 0.05f);
    for (int i = 0; i < BYTES; i++)
        assert_float_equal(after[i], grey + factor * (before[i] - grey), 2.0f);
}

static void saturation_leaves_grey_alone_and_keeps_the_luma_of_colours(void **state)
{
    (void)state;
    const rncl_colour_jitter jitter = {.saturation = 0.9f};
    uint8_t rgb[] = {90, 90, 90, 100, 60, 80};
    rncl_random random = stream(5);
    rncl_colour_jitter_apply(&jitter, &random, rgb, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rgb[i], 90);
    assert_int_not_equal(rgb[3] - rgb[4], 40);
    assert_float_equal(0.299f * rgb[3] + 0.587f * rgb[4] + 0.114f * rgb[5],
                       0.299f * 100 + 0.587f * 60 + 0.114f * 80, 1.1f);
}

static void values_stop_at_black_and_white(void **state)
{
    (void)state;
    const rncl_colour_jitter jitter = {.brightness = 1, .contrast = 1, .saturation = 1};
    for (uint32_t draw = 0; draw < 200; draw++) {
        uint8_t rgb[] = {0, 0, 0, 255, 255, 255};
        rncl_random random = stream(draw);
        rncl_colour_jitter_apply(&jitter, &random, rgb, 2);
        assert_true(rgb[0] <= rgb[3]); /* no value overflows */
    }
}

static void lighting_is_one_offset_for_all_pixels(void **state)
{
    (void)state;
    const float std[] = {0.5f, 0.25f, 0.125f};
    float image[] = {0, 1, 2, 3, 4, 5};
    rncl_random random = stream(1);
    rncl_lighting_apply(0.1f, std, &random, image, 2);
    assert_true(fabsf(image[0]) > 1e-4f);
    for (int k = 0; k < 3; k++)
        assert_float_equal(image[3 + k] - image[k], 3, 1e-5f);
}

/* Along the first component the deviation is strength times its eigenvalue. */
static void lighting_follows_the_colours_of_imagenet(void **state)
{
    (void)state;
    const float unit[] = {1, 1, 1}, component[] = {-0.5675f, -0.5808f, -0.5836f};
    double squares = 0, across = 0;
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        float image[3] = {0};
        rncl_random random = stream(draw);
        rncl_lighting_apply(0.1f, unit, &random, image, 1);
        double along = 0, length = 0;
        for (int k = 0; k < 3; k++) {
            along += (double)(component[k] * image[k]);
            length += (double)(image[k] * image[k]);
        }
        squares += along * along;
        across += length - along * along;
    }
    assert_float_equal(sqrt(squares / DRAWS), 0.02175, 0.001);
    assert_float_equal(sqrt(across / DRAWS), 0.00193, 0.0002); /* 0.1 * sqrt(0.0188² + 0.0045²) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_strength_changes_nothing),
        cmocka_unit_test(brightness_is_one_factor_for_all_bytes),
        cmocka_unit_test(contrast_spreads_round_the_mean_grey),
        cmocka_unit_test(saturation_leaves_grey_alone_and_keeps_the_luma_of_colours),
        cmocka_unit_test(values_stop_at_black_and_white),
        cmocka_unit_test(lighting_is_one_offset_for_all_pixels),
        cmocka_unit_test(lighting_follows_the_colours_of_imagenet),
    };
    return cmocka_run_group_tests_name("colour", tests, NULL, NULL);
}
