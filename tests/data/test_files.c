/* Pictures given by name: they are prepared as for evaluation, and bad ones do not stop the others. */
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

/* The first picture of a set as a loader prepares it for evaluation, as bytes. */
static void prepare_first(const rncl_dataset *dataset, float *image)
{
    const float unit = 1.0f / 255;
    const rncl_loader_options options = {
        .dataset = dataset, .batch_size = 1, .image = IMAGE, .channels = 3, .std = {unit, unit, unit}};
    rncl_loader *loader;
    const rncl_batch *batch;
    assert_int_equal(rncl_loader_create(&options, &loader), RNCL_OK);
    assert_int_equal(rncl_loader_next(loader, &batch), RNCL_OK);
    memcpy(image, batch->images, FLOATS * sizeof *image);
    rncl_loader_destroy(loader);
}

static void read_one(const char *folder, const char *name, float *image)
{
    char *path = place(folder, name);
    rncl_dataset *dataset;
    assert_int_equal(rncl_files_open((const char *const *)&path, 1, true, &dataset), RNCL_OK);
    prepare_first(dataset, image);
    assert_null(rncl_files_problem(dataset, 0));
    rncl_dataset_close(dataset);
    free(path);
}

static void a_square_of_the_networks_size_comes_out_as_it_is(void **state)
{
    float image[FLOATS];
    write_halves(*state, "square.png", IMAGE, IMAGE);
    read_one(*state, "square.png", image);
    for (int i = 0; i < FLOATS; i++)
        assert_float_equal(image[i], (i / 3 % IMAGE < IMAGE / 2 ? 0 : 255), 1e-3f);
}

/* The result must not depend on the other pictures of the folder. */
static void pictures_come_out_as_in_an_evaluation_of_their_folder(void **state)
{
    static const uint32_t sizes[][2] = {{20, 30},       {300, 300}, {90, 31},
                                        {IMAGE, IMAGE}, {60, 60},   {IMAGE + 2, IMAGE + 2}};
    float alone[FLOATS], in_folder[FLOATS];
    for (size_t other = 0; other < 2; other++) {
        write_halves(*state, "set/train/a/other.png", 60, other ? 60 : 20); /* of one size, or of several */
        write_halves(*state, "set/train/b/other.png", 60, 60);
        for (size_t i = 0; i < COUNT(sizes); i++) {
            write_halves(*state, "set/val/a/1.png", sizes[i][0], sizes[i][1]);
            read_one(*state, "set/val/a/1.png", alone);
            char *path = place(*state, "set");
            rncl_dataset *dataset = open_part(path, RNCL_SPLIT_VALIDATION);
            prepare_first(dataset, in_folder);
            assert_memory_equal(alone, in_folder, sizeof alone);
            rncl_dataset_close(dataset);
            free(path);
        }
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
    assert_int_equal(rncl_files_open((const char *const *)paths, PICTURES, true, &dataset), RNCL_OK);
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
        cmocka_unit_test_setup_teardown(pictures_come_out_as_in_an_evaluation_of_their_folder, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(bad_pictures_are_blank_and_named_and_the_others_are_read, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
