/* Crops: torchvision's windows for evaluation, and the bounds of random windows for training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crop.h"
#include "util.h"

enum { IMAGE = 224, DRAWS = 2000 };

static void expect_window(rncl_window window, float top, float left, float height, float width)
{
    assert_float_equal(window.top, top, 1e-3f);
    assert_float_equal(window.left, left, 1e-3f);
    assert_float_equal(window.height, height, 1e-3f);
    assert_float_equal(window.width, width, 1e-3f);
}

/* Resize(256) leaves 256 x 342 as it is, and makes 500 x 375 341 x 256. */
static void the_centre_is_where_torchvision_crops(void **state)
{
    (void)state;
    expect_window(rncl_crop_centre(256, 342, IMAGE).window, 16, 59, 224, 224);
    const float rows = 500.0f / 341, columns = 375.0f / 256;
    expect_window(rncl_crop_centre(500, 375, IMAGE).window, 58 * rows, 16 * columns, 224 * rows,
                  224 * columns);
    assert_false(rncl_crop_centre(500, 375, IMAGE).flip);
}

static void small_pictures_are_enlarged_for_the_centre(void **state)
{
    (void)state;
    expect_window(rncl_crop_centre(8, 8, 32).window, 2 * 8.0f / 37, 2 * 8.0f / 37, 32 * 8.0f / 37,
                  32 * 8.0f / 37);
}

static void ten_crops_are_the_corners_and_the_centre_and_their_mirrors(void **state)
{
    (void)state;
    /* of 256 x 356; those of the mirrored picture begin with its top left, which was top right */
    static const float tops[] = {0, 0, 32, 32, 16}, lefts[] = {0, 132, 0, 132, 66};
    static const int mirrored_place[] = {1, 0, 3, 2, 4};
    for (int i = 0; i < RNCL_TEN_CROPS; i++) {
        const rncl_crop crop = rncl_crop_ten(256, 356, IMAGE, i);
        const int place = i < 5 ? i : mirrored_place[i - 5];
        expect_window(crop.window, tops[place], lefts[place], 224, 224);
        assert_int_equal(crop.flip, i >= 5);
    }
}

static rncl_crop draw(rncl_augment augment, uint32_t height, uint32_t width, uint32_t number)
{
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_AUGMENT, 0, number);
    return rncl_crop_draw(augment, height, width, IMAGE, &random);
}

static void expect_inside(const rncl_window *window, uint32_t height, uint32_t width)
{
    assert_true(window->top >= 0 && window->left >= 0 && window->height > 0 && window->width > 0);
    assert_true(window->top + window->height <= (float)height + 0.01f);
    assert_true(window->left + window->width <= (float)width + 0.01f);
}

static void imagenet_crops_have_the_areas_and_ratios_of_torchvision(void **state)
{
    (void)state;
    const uint32_t height = 375, width = 500;
    float least = 1, most = 0, sum = 0;
    int flips = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const rncl_crop crop = draw(RNCL_AUGMENT_IMAGENET, height, width, i);
        expect_inside(&crop.window, height, width);
        const float area = crop.window.height * crop.window.width / (float)(height * width);
        const float ratio = crop.window.width / crop.window.height;
        assert_true(ratio > 0.74f && ratio < 1.35f);
        least = MIN(least, area);
        most = MAX(most, area);
        sum += area;
        flips += crop.flip;
    }
    assert_true(least > 0.079f && least < 0.10f);
    assert_true(most > 0.90f && most <= 1.0f);
    assert_float_equal(sum / DRAWS, 0.435f, 0.02f); /* torchvision 0.14, 4000 draws */
    assert_in_range(flips, DRAWS / 2 - 100, DRAWS / 2 + 100);
}

static void a_picture_too_narrow_for_any_crop_gives_its_middle(void **state)
{
    (void)state;
    const rncl_crop tall = draw(RNCL_AUGMENT_IMAGENET, 10000, 30, 0);
    expect_window(tall.window, (10000 - 40) / 2, 0, 40, 30);
    const rncl_crop wide = draw(RNCL_AUGMENT_IMAGENET, 30, 10000, 0);
    expect_window(wide.window, 0, (10000 - 40) / 2, 30, 40);
}

static void scale_crops_are_224_pixels_of_a_shorter_side_of_256_to_480(void **state)
{
    (void)state;
    const uint32_t height = 600, width = 400;
    float least = 1e9f, most = 0;
    int flips = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const rncl_crop crop = draw(RNCL_AUGMENT_SCALE, height, width, i);
        expect_inside(&crop.window, height, width);
        const float shorter = (float)IMAGE * (float)width / crop.window.width;
        least = MIN(least, shorter);
        most = MAX(most, shorter);
        flips += crop.flip;
    }
    assert_float_equal(least, 256, 1);
    assert_float_equal(most, 480, 1);
    assert_in_range(flips, DRAWS / 2 - 100, DRAWS / 2 + 100);
}

static void augmentations_without_crops_of_their_own_take_the_centre(void **state)
{
    (void)state;
    const rncl_window centre = rncl_crop_centre(300, 400, IMAGE).window;
    expect_window(draw(RNCL_AUGMENT_NONE, 300, 400, 1).window, centre.top, centre.left, centre.height,
                  centre.width);
    expect_window(draw(RNCL_AUGMENT_CIFAR, 300, 400, 1).window, centre.top, centre.left, centre.height,
                  centre.width);
}

static void expect_detail(rncl_augment augment, uint32_t shorter, bool exact)
{
    const rncl_detail detail = rncl_crop_detail(augment, IMAGE);
    assert_int_equal(detail.shorter, shorter);
    assert_int_equal(detail.exact, exact);
}

static void the_detail_is_enough_for_every_crop(void **state)
{
    (void)state;
    expect_detail(RNCL_AUGMENT_NONE, 256, true);
    expect_detail(RNCL_AUGMENT_SCALE, 480, false);
    expect_detail(RNCL_AUGMENT_IMAGENET, 448, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_centre_is_where_torchvision_crops),
        cmocka_unit_test(small_pictures_are_enlarged_for_the_centre),
        cmocka_unit_test(ten_crops_are_the_corners_and_the_centre_and_their_mirrors),
        cmocka_unit_test(imagenet_crops_have_the_areas_and_ratios_of_torchvision),
        cmocka_unit_test(a_picture_too_narrow_for_any_crop_gives_its_middle),
        cmocka_unit_test(scale_crops_are_224_pixels_of_a_shorter_side_of_256_to_480),
        cmocka_unit_test(augmentations_without_crops_of_their_own_take_the_centre),
        cmocka_unit_test(the_detail_is_enough_for_every_crop),
    };
    return cmocka_run_group_tests_name("crop", tests, NULL, NULL);
}
