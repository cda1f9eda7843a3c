/* Files become upright pictures of the wanted size. */
#include "data/folder_test.h"
#include "image_file.h"
#include "random.h"

/* A picture of 2 x 3 pixels, as stored for each orientation; pixels are numbered row by row. */
static void every_orientation_becomes_upright(void **state)
{
    (void)state;
    static const struct {
        uint32_t height, width;
        uint8_t pixels[6];
    } files[] = {
        [1] = {2, 3, {1, 2, 3, 4, 5, 6}}, [2] = {2, 3, {3, 2, 1, 6, 5, 4}}, [3] = {2, 3, {6, 5, 4, 3, 2, 1}},
        [4] = {2, 3, {4, 5, 6, 1, 2, 3}}, [5] = {3, 2, {1, 4, 2, 5, 3, 6}}, [6] = {3, 2, {3, 6, 2, 5, 1, 4}},
        [7] = {3, 2, {6, 3, 5, 2, 4, 1}}, [8] = {3, 2, {4, 1, 5, 2, 6, 3}},
    };
    for (int orientation = 1; orientation <= 8; orientation++) {
        rncl_image image = {files[orientation].height, files[orientation].width, malloc(6 * 3), false};
        assert_non_null(image.pixels);
        for (size_t i = 0; i < 6 * 3; i++)
            image.pixels[i] = files[orientation].pixels[i / 3];
        assert_int_equal(rncl_image_orient(&image, orientation), RNCL_OK);
        assert_int_equal(image.height, 2);
        assert_int_equal(image.width, 3);
        for (size_t i = 0; i < 6 * 3; i++)
            assert_int_equal(image.pixels[i], i / 3 + 1);
        rncl_image_fini(&image);
    }
}

static void numbers_that_are_no_orientation_leave_a_picture_as_it_is(void **state)
{
    (void)state;
    static const int numbers[] = {-1, 0, 1, 9, 1000};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        rncl_image image = {1, 2, malloc(6), false};
        assert_non_null(image.pixels);
        memcpy(image.pixels, "abcdef", 6);
        assert_int_equal(rncl_image_orient(&image, numbers[i]), RNCL_OK);
        assert_int_equal(image.width, 2);
        assert_memory_equal(image.pixels, "abcdef", 6);
        rncl_image_fini(&image);
    }
}

/* Noise of height x width, with an EXIF orientation if there is one. */
static char *write_noise(const char *folder, uint32_t height, uint32_t width, int orientation)
{
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, height, width);
    char *path = place(folder, "noise.png");
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_true(file && info);
    png_init_io(png, file);
    png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    uint8_t exif[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0";
    exif[19] = (uint8_t)orientation;
    if (orientation)
        png_set_eXIf_1(png, info, sizeof exif, exif);
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++) {
        uint8_t row[1024 * 3];
        for (uint32_t i = 0; i < width * 3; i++)
            row[i] = (uint8_t)rncl_random_u32(&random);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(file), 0);
    return path;
}

static rncl_image decode(const char *path, uint32_t shorter, bool exact, bool turn)
{
    rncl_image image;
    const rncl_detail detail = {.shorter = shorter, .exact = exact};
    const rncl_status st = rncl_image_file_decode(path, &detail, turn, &image);
    if (st)
        print_error("%s\n", rncl_status_message());
    assert_int_equal(st, RNCL_OK);
    return image;
}

static void exact_pictures_are_the_whole_file_resized_once(void **state)
{
    char *path = write_noise(*state, 130, 301, 0);
    rncl_image whole = decode(path, 0, false, true), small = decode(path, 64, true, true);
    assert_int_equal(small.height, 64);
    assert_int_equal(small.width, 64 * 301 / 130);
    uint8_t *expected = malloc((size_t)small.height * small.width * 3);
    const rncl_window all = {.height = 130, .width = 301};
    assert_int_equal(rncl_image_resize(&whole, &all, small.height, small.width, expected), RNCL_OK);
    assert_memory_equal(small.pixels, expected, (size_t)small.height * small.width * 3);
    free(expected);
    rncl_image_fini(&whole);
    rncl_image_fini(&small);
    small = decode(path, 130, true, true); /* unscaled */
    assert_int_equal(small.height, 130);
    rncl_image_fini(&small);
    small = decode(path, 500, true, true); /* never enlarged */
    assert_int_equal(small.height, 130);
    rncl_image_fini(&small);
    free(path);
}

static void pictures_are_turned_unless_they_are_wanted_as_stored(void **state)
{
    char *path = write_noise(*state, 20, 31, 6);
    rncl_image stored_picture = decode(path, 0, false, false), turned = decode(path, 0, false, true);
    assert_int_equal(stored_picture.height, 20);
    assert_int_equal(turned.height, 31);
    assert_int_equal(turned.width, 20);
    /* The first stored row becomes the last column. */
    for (uint32_t i = 0; i < 31; i++)
        assert_memory_equal(turned.pixels + (i * 20 + 19) * 3, stored_picture.pixels + i * 3, 3);
    rncl_image_fini(&stored_picture);
    rncl_image_fini(&turned);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_orientation_becomes_upright),
        cmocka_unit_test(numbers_that_are_no_orientation_leave_a_picture_as_it_is),
        cmocka_unit_test_setup_teardown(exact_pictures_are_the_whole_file_resized_once, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(pictures_are_turned_unless_they_are_wanted_as_stored, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
