/* Conversions of one picture, and its window in the batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "augment.h"
#include "picture.h"

static void grey_becomes_three_equal_channels(void **state)
{
    (void)state;
    const uint8_t grey[] = {0, 7, 255}, expected[] = {0, 0, 0, 7, 7, 7, 255, 255, 255};
    uint8_t colour[sizeof expected];
    rncl_picture_convert(grey, 1, colour, 3, 3);
    assert_memory_equal(colour, expected, sizeof expected);
}

static void colour_becomes_its_rounded_average(void **state)
{
    (void)state;
    const uint8_t colour[] = {1, 2, 4, 255, 255, 255, 0, 0, 1}, expected[] = {2, 255, 0};
    uint8_t grey[sizeof expected];
    rncl_picture_convert(colour, 3, grey, 1, 3);
    assert_memory_equal(grey, expected, sizeof expected);
}

static void only_grey_converts_to_other_channels(void **state)
{
    (void)state;
    assert_true(rncl_picture_convertible(1, 4));
    assert_true(rncl_picture_convertible(3, 1));
    assert_true(rncl_picture_convertible(3, 3));
    assert_false(rncl_picture_convertible(3, 4));
}

static void resizing_to_the_same_size_copies(void **state)
{
    (void)state;
    uint8_t from[5 * 4 * 3], to[sizeof from];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * 37);
    assert_int_equal(rncl_picture_resize(from, 5, 4, 3, to, 5, 4), RNCL_OK);
    assert_memory_equal(to, from, sizeof from);
}

/* Expected values from torch.nn.functional.interpolate(mode="bilinear", align_corners=False). */
static void enlarging_interpolates_as_pytorch_does(void **state)
{
    (void)state;
    const uint8_t from[] = {0, 100, 200, 40};
    const uint8_t larger[] = {0, 25, 75, 100, 50, 59, 76, 85, 150, 126, 79, 55, 200, 160, 80, 40};
    uint8_t to[16];
    assert_int_equal(rncl_picture_resize(from, 2, 2, 1, to, 4, 4), RNCL_OK);
    assert_memory_equal(to, larger, sizeof larger);
    assert_int_equal(rncl_picture_resize(from, 2, 2, 1, to, 1, 1), RNCL_OK);
    assert_int_equal(to[0], 85);
}

enum { SIZE = 6 };

/* Byte (i, j) is 10 i + j; normalised to itself, less 1000 so that no pixel is 0. */
static void apply(const rncl_view *view, float out[SIZE][SIZE])
{
    uint8_t pixels[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++)
        pixels[i] = (uint8_t)(10 * (i / SIZE) + i % SIZE);
    const float mean[] = {1000.0f / 255}, std[] = {1.0f / 255};
    rncl_normalisation normalisation;
    rncl_normalisation_init(&normalisation, 1, mean, std);
    rncl_augment_apply(view, &normalisation, pixels, SIZE, 1, &out[0][0]);
}

static void values_are_normalised_per_channel(void **state)
{
    (void)state;
    const uint8_t pixel[] = {0, 51, 255};
    const float mean[] = {0.5f, 0.2f, 0}, std[] = {0.5f, 1, 0.25f}, expected[] = {-1, 0, 4};
    rncl_normalisation normalisation;
    rncl_normalisation_init(&normalisation, 3, mean, std);
    float out[3];
    rncl_augment_apply(&(rncl_view){0}, &normalisation, pixel, 1, 3, out);
    for (int k = 0; k < 3; k++)
        assert_float_equal(out[k], expected[k], 1e-6f);
}

static void a_window_that_reaches_outside_is_padded_with_zeros(void **state)
{
    (void)state;
    const rncl_view view = {.top = -4, .left = 2};
    float out[SIZE][SIZE];
    apply(&view, out);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int row = i - 4, column = j + 2;
            bool inside = row >= 0 && column < SIZE;
            assert_float_equal(out[i][j], inside ? (float)(10 * row + column - 1000) : 0, 1e-2f);
        }
}

static void a_flip_mirrors_the_window(void **state)
{
    (void)state;
    float plain[SIZE][SIZE], flipped[SIZE][SIZE];
    apply(&(rncl_view){.top = 1, .left = -3}, plain);
    apply(&(rncl_view){.top = 1, .left = -3, .flip = true}, flipped);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            assert_true(plain[i][j] == flipped[i][SIZE - 1 - j]);
}

static void no_augmentation_leaves_the_picture(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    rncl_view view = rncl_augment_draw(RNCL_AUGMENT_NONE, &random);
    assert_true(view.top == 0 && view.left == 0 && !view.flip);
}

static void cifar_augmentation_draws_every_window_and_both_mirrors(void **state)
{
    (void)state;
    int seen[9][9][2] = {0};
    for (uint32_t i = 0; i < 10000; i++) {
        rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, i);
        rncl_view view = rncl_augment_draw(RNCL_AUGMENT_CIFAR, &random);
        assert_in_range(view.top + 4, 0, 8);
        assert_in_range(view.left + 4, 0, 8);
        seen[view.top + 4][view.left + 4][view.flip]++;
    }
    for (int i = 0; i < 9 * 9 * 2; i++) /* 62 on average */
        assert_in_range((&seen[0][0][0])[i], 20, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_becomes_three_equal_channels),
        cmocka_unit_test(colour_becomes_its_rounded_average),
        cmocka_unit_test(only_grey_converts_to_other_channels),
        cmocka_unit_test(resizing_to_the_same_size_copies),
        cmocka_unit_test(enlarging_interpolates_as_pytorch_does),
        cmocka_unit_test(values_are_normalised_per_channel),
        cmocka_unit_test(a_window_that_reaches_outside_is_padded_with_zeros),
        cmocka_unit_test(a_flip_mirrors_the_window),
        cmocka_unit_test(no_augmentation_leaves_the_picture),
        cmocka_unit_test(cifar_augmentation_draws_every_window_and_both_mirrors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
