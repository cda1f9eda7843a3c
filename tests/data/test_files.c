/* Pictures given by name: they come out as evaluation sees them, and bad ones do not stop the others. */
#include "data/folder_test.h"
#include "files.h"
#include "loader.h"
#include "rncl/kernel_abi.h"

enum { IMAGE = 16, FLOATS = IMAGE * IMAGE * 3 };

/* The left half is black, the right half white. */
static void write_halves(const char *folder, const char *name, uint32_t height, uint32_t width)
{
    png_image png = {
        .version = PNG_IMAGE_VERSION, .height = height, .width = width, .format = PNG_FORMAT_GRAY};
    uint8_t *pixels = malloc((size_t)height * width);
    assert_non_null(pixels);
    for (size_t i = 0; i < (size_t)height * width; i++)
        pixels[i] = i % width < width / 2 ? 0 : 255;
    char *path = place(folder, name);
    assert_true(png_image_write_to_file(&png, path, 0, pixels, 0, NULL));
    free(path);
    free(pixels);
}

/* Reads one picture as bytes. */
static rncl_status read_one(const char *folder, const char *name, uint8_t *pixels)
{
    char *path = place(folder, name);
    rncl_dataset *dataset;
    int label;
    assert_int_equal(rncl_files_open((const char *const *)&path, 1, IMAGE, &dataset), RNCL_OK);
    const rncl_status st = rncl_dataset_read(dataset, 0, pixels, &label);
    assert_int_equal(rncl_files_problem(dataset, 0) != NULL, st != RNCL_OK);
    rncl_dataset_close(dataset);
    free(path);
    return st;
}

static void a_square_of_the_networks_size_comes_out_as_it_is(void **state)
{
    uint8_t pixels[FLOATS];
    write_halves(*state, "square.png", IMAGE, IMAGE);
    assert_int_equal(read_one(*state, "square.png", pixels), RNCL_OK);
    for (int i = 0; i < FLOATS; i++)
        assert_int_equal(pixels[i], i / 3 % IMAGE < IMAGE / 2 ? 0 : 255);
}

/* As it does in a folder of pictures of different sizes. */
static void other_pictures_are_cropped_as_in_an_evaluation(void **state)
{
    static const uint32_t sizes[][2] = {{20, 30}, {300, 300}, {90, 31}};
    uint8_t pixels[FLOATS];
    write_halves(*state, "set/train/a/small.png", 40, 20);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        write_halves(*state, "set/val/a/1.png", sizes[i][0], sizes[i][1]);
        assert_int_equal(read_one(*state, "set/val/a/1.png", pixels), RNCL_OK);

        char *path = place(*state, "set");
        rncl_dataset *dataset = open_part(path, RNCL_SPLIT_VALIDATION);
        const float unit = 1.0f / 255;
        const rncl_loader_options options = {
            .dataset = dataset, .batch_size = 1, .image = IMAGE, .channels = 3, .std = {unit, unit, unit}};
        rncl_loader *loader;
        const rncl_batch *batch;
        assert_int_equal(rncl_loader_create(&options, &loader), RNCL_OK);
        assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
        for (int k = 0; k < FLOATS; k++)
            assert_float_equal(batch->images[k], (float)pixels[k], 1e-3f);
        rncl_loader_destroy(loader);
        rncl_dataset_close(dataset);
        free(path);
    }
}

static void bad_pictures_are_blank_and_named_and_the_others_are_read(void **state)
{
    enum { PICTURES = 5, BATCH = 4 };
    static const char *const names[PICTURES] = {"0.png", "missing.png", "2.png", "cut.png", "4.png"};
    char *paths[PICTURES];
    for (int i = 0; i < PICTURES; i++) {
        paths[i] = place(*state, names[i]);
        if (i != 1)
            write_picture(*state, names[i], 30, 20, (uint8_t)(i + 1));
    }
    cut_file(*state, "cut.png");
    rncl_dataset *dataset;
    assert_int_equal(rncl_files_open((const char *const *)paths, PICTURES, IMAGE, &dataset), RNCL_OK);
    const float unit = 1.0f / 255;
    const rncl_loader_options options = {
        .dataset = dataset, .batch_size = BATCH, .image = IMAGE, .channels = 3, .std = {unit, unit, unit}};
    rncl_loader *loader;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_OK);
    for (int i = 0; i < PICTURES; i += BATCH) {
        const rncl_batch *batch;
        assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
        for (int k = 0; k < batch->count; k++) {
            const bool bad = (i + k) % 2 == 1;
            assert_int_equal(batch->labels[k], bad ? RNCL_NO_LABEL : 0);
            assert_float_equal(batch->images[k * FLOATS], bad ? 0 : (float)(i + k + 1), 1e-3f);
        }
        rncl_loader_release(loader);
    }
    rncl_loader_destroy(loader);
    for (uint32_t i = 0; i < PICTURES; i++) {
        const char *problem = rncl_files_problem(dataset, i);
        if (i % 2 == 0)
            assert_null(problem);
        else
            assert_non_null(strstr(problem, names[i]));
        free(paths[i]);
    }
    rncl_dataset_close(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_square_of_the_networks_size_comes_out_as_it_is, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(other_pictures_are_cropped_as_in_an_evaluation, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(bad_pictures_are_blank_and_named_and_the_others_are_read, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
