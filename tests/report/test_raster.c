/* Pictures of inputs and filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "raster.h"

static const unsigned char *pixel(const rncl_raster *raster, int x, int y)
{
    return raster->pixels + 3 * (y * raster->width + x);
}

static void assert_pixel(const rncl_raster *raster, int x, int y, int red, int green, int blue)
{
    const unsigned char *p = pixel(raster, x, y);
    if (p[0] != red || p[1] != green || p[2] != blue)
        fail_msg("(%d, %d) is %d %d %d", x, y, p[0], p[1], p[2]);
}

static void inputs_look_as_they_did_before_normalisation(void **state)
{
    (void)state;
    static const float mean[] = {0.5F, 0.25F, 0}, std[] = {0.5F, 0.25F, 1};
    static const float image[2][2][3] = {{{-1, -1, 0}, {1, 1, 1}}, {{1, -1, 0}, {9, -9, 0.2F}}};
    rncl_raster raster;
    assert_int_equal(rncl_raster_of_input(&image[0][0][0], 2, 3, mean, std, &raster), RNCL_OK);
    assert_pixel(&raster, 0, 0, 0, 0, 0);
    assert_pixel(&raster, 1, 0, 255, 128, 255);
    assert_pixel(&raster, 0, 1, 255, 0, 0);
    assert_pixel(&raster, 1, 1, 255, 0, 51);
    rncl_raster_fini(&raster);
    static const float grey[] = {0, 1, -1, 0};
    assert_int_equal(rncl_raster_of_input(grey, 2, 1, mean, std, &raster), RNCL_OK);
    assert_pixel(&raster, 1, 0, 255, 255, 255);
    assert_pixel(&raster, 0, 1, 0, 0, 0);
    rncl_raster_fini(&raster);
}

static void filters_run_from_black_to_white(void **state)
{
    (void)state;
    /* [1][1][3][2] */
    static const float filters[] = {-1, 5, 0, 5, 1, 5};
    rncl_raster raster;
    assert_int_equal(rncl_raster_of_filters(filters, 1, 3, 2, &raster), RNCL_OK);
    assert_pixel(&raster, 0, 0, 255, 255, 255); /* the gap */
    assert_pixel(&raster, 2, 2, 0, 128, 255);
    assert_pixel(&raster, 33, 33, 0, 128, 255);
    assert_pixel(&raster, 36, 2, 0, 0, 0); /* all weights are equal */
    rncl_raster_fini(&raster);
}

static void smaller_pictures_have_the_means(void **state)
{
    (void)state;
    rncl_raster raster, smaller;
    assert_int_equal(rncl_raster_create(5, 4, &raster), RNCL_OK);
    memset(raster.pixels, 0, 5 * 4 * 3);
    memset(raster.pixels, 200, 6); /* two pixels */
    assert_int_equal(rncl_raster_shrink(&raster, 3, &smaller), RNCL_OK);
    assert_int_equal(smaller.width, 2);
    assert_int_equal(smaller.height, 2);
    assert_pixel(&smaller, 0, 0, 100, 100, 100);
    assert_pixel(&smaller, 1, 1, 0, 0, 0);
    rncl_raster_fini(&smaller);
    assert_int_equal(rncl_raster_shrink(&raster, 5, &smaller), RNCL_OK);
    assert_memory_equal(smaller.pixels, raster.pixels, 5 * 4 * 3);
    rncl_raster_fini(&smaller);
    rncl_raster_fini(&raster);
}

static void png_files_have_the_pixels(void **state)
{
    (void)state;
    rncl_raster raster;
    unsigned char *bytes, read[3 * 2 * 3];
    size_t size;
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_int_equal(rncl_raster_create(3, 2, &raster), RNCL_OK);
    for (int i = 0; i < 18; i++)
        raster.pixels[i] = (unsigned char)(13 * i);
    assert_int_equal(rncl_raster_png(&raster, &bytes, &size), RNCL_OK);
    assert_true(png_image_begin_read_from_memory(&image, bytes, size));
    assert_true(image.width == 3 && image.height == 2);
    image.format = PNG_FORMAT_RGB;
    assert_true(png_image_finish_read(&image, NULL, read, 0, NULL));
    assert_memory_equal(read, raster.pixels, sizeof read);
    free(bytes);
    rncl_raster_fini(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_look_as_they_did_before_normalisation),
        cmocka_unit_test(filters_run_from_black_to_white),
        cmocka_unit_test(smaller_pictures_have_the_means),
        cmocka_unit_test(png_files_have_the_pixels),
    };
    return cmocka_run_group_tests_name("rasters", tests, NULL, NULL);
}
