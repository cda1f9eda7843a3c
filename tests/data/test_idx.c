/* IDX files: their contents, and the message for each possible defect. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "dataset.h"
#include "file.h"
#include "util.h"

enum { HEIGHT = 3, WIDTH = 2, TRAIN = 6, VALIDATION = 4, CLASSES = 3 };
#define TRAIN_IMAGES "train-images-idx3-ubyte"
#define TRAIN_LABELS "train-labels-idx1-ubyte"
#define VALIDATION_IMAGES "t10k-images-idx3-ubyte"
#define VALIDATION_LABELS "t10k-labels-idx1-ubyte"

static const char *const names[] = {TRAIN_IMAGES, TRAIN_LABELS, VALIDATION_IMAGES, VALIDATION_LABELS};

struct blob {
    uint8_t bytes[4096];
    size_t size;
};

static void put_u32(struct blob *blob, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        blob->bytes[blob->size++] = (uint8_t)(value >> shift);
}

/* Byte j of picture i is 10 i + j. */
static struct blob images_blob(uint32_t count)
{
    struct blob blob = {.size = 0};
    put_u32(&blob, 0x803);
    put_u32(&blob, count);
    put_u32(&blob, HEIGHT);
    put_u32(&blob, WIDTH);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < HEIGHT * WIDTH; j++)
            blob.bytes[blob.size++] = (uint8_t)(10 * i + j);
    return blob;
}

static struct blob labels_blob(uint32_t count)
{
    struct blob blob = {.size = 0};
    put_u32(&blob, 0x801);
    put_u32(&blob, count);
    for (uint32_t i = 0; i < count; i++)
        blob.bytes[blob.size++] = (uint8_t)(i % CLASSES);
    return blob;
}

static void write_plain(const char *folder, const char *name, const struct blob *blob)
{
    char *path = rncl_path_join(folder, name);
    assert_int_equal(rncl_file_write(path, blob->bytes, blob->size), RNCL_OK);
    free(path);
}

/* Writes the blob gzipped, as name.gz, without the last `cut` bytes. */
static void write_gzipped(const char *folder, const char *name, const struct blob *blob, off_t cut)
{
    char *path = rncl_text_format("%s/%s.gz", folder, name);
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, blob->bytes, (unsigned)blob->size), (int)blob->size);
    assert_int_equal(gzclose(file), Z_OK);
    rncl_contents contents;
    assert_int_equal(rncl_file_read(path, &contents), RNCL_OK);
    off_t size = (off_t)contents.size_bytes;
    rncl_contents_free(&contents);
    assert_int_equal(truncate(path, size - cut), 0);
    free(path);
}

static void remove_file(const char *folder, const char *name)
{
    char *path = rncl_path_join(folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Every test starts with a folder of four good plain files. */
static int make_folder(void **state)
{
    char *folder = strdup("/tmp/rncl_test_idx_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    struct blob train_images = images_blob(TRAIN), train_labels = labels_blob(TRAIN);
    struct blob validation_images = images_blob(VALIDATION), validation_labels = labels_blob(VALIDATION);
    write_plain(folder, TRAIN_IMAGES, &train_images);
    write_plain(folder, TRAIN_LABELS, &train_labels);
    write_plain(folder, VALIDATION_IMAGES, &validation_images);
    write_plain(folder, VALIDATION_LABELS, &validation_labels);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        char *plain = rncl_text_format("%s/%s", (char *)*state, names[i]);
        char *gzipped = rncl_text_format("%s.gz", plain);
        unlink(plain);
        unlink(gzipped);
        free(plain);
        free(gzipped);
    }
    int failed = rmdir(*state);
    free(*state);
    return failed;
}

static rncl_status open_split(const char *folder, rncl_split split, rncl_dataset **out)
{
    const rncl_dataset_options options = {.path = folder, .split = split};
    return rncl_dataset_open(&options, out);
}

/* Expects that opening fails with RNCL_ERR_DATA, and both texts in the message. */
static void assert_refused(const char *folder, rncl_split split, const char *file, const char *reason)
{
    rncl_dataset *dataset;
    assert_int_equal(open_split(folder, split, &dataset), RNCL_ERR_DATA);
    assert_null(dataset);
    assert_non_null(strstr(rncl_status_message(), file));
    assert_non_null(strstr(rncl_status_message(), reason));
}

static void assert_training_split_is_right(const char *folder)
{
    rncl_dataset *dataset;
    assert_int_equal(open_split(folder, RNCL_SPLIT_TRAIN, &dataset), RNCL_OK);
    assert_string_equal(dataset->info.format, "idx");
    assert_int_equal(dataset->info.count, TRAIN);
    assert_int_equal(dataset->info.classes, CLASSES);
    assert_int_equal(dataset->info.height, HEIGHT);
    assert_int_equal(dataset->info.width, WIDTH);
    assert_int_equal(dataset->info.channels, 1);
    for (uint32_t i = 0; i < TRAIN; i++) {
        uint8_t pixels[HEIGHT * WIDTH];
        int label;
        assert_int_equal(rncl_dataset_read(dataset, i, pixels, &label), RNCL_OK);
        assert_int_equal(label, i % CLASSES);
        for (uint32_t j = 0; j < HEIGHT * WIDTH; j++)
            assert_int_equal(pixels[j], 10 * i + j);
    }
    rncl_dataset_close(dataset);
}

static void plain_files_are_read(void **state)
{
    assert_training_split_is_right(*state);
}

static void gzipped_files_are_read(void **state)
{
    struct blob images = images_blob(TRAIN), labels = labels_blob(TRAIN);
    remove_file(*state, TRAIN_IMAGES);
    remove_file(*state, TRAIN_LABELS);
    write_gzipped(*state, TRAIN_IMAGES, &images, 0);
    write_gzipped(*state, TRAIN_LABELS, &labels, 0);
    assert_training_split_is_right(*state);
}

static void mean_and_deviation_of_both_splits_are_the_training_splits(void **state)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < TRAIN; i++) {
        for (int j = 0; j < HEIGHT * WIDTH; j++) {
            double value = (10 * i + j) / 255.0;
            sum += value;
            squares += value * value;
        }
    }
    double count = TRAIN * HEIGHT * WIDTH, mean = sum / count, variance = squares / count - mean * mean;
    const rncl_split splits[] = {RNCL_SPLIT_TRAIN, RNCL_SPLIT_VALIDATION};
    for (size_t i = 0; i < COUNT(splits); i++) {
        rncl_dataset *dataset;
        assert_int_equal(open_split(*state, splits[i], &dataset), RNCL_OK);
        assert_float_equal(dataset->info.mean[0], (float)mean, 1e-6f);
        assert_float_equal(dataset->info.std[0], (float)sqrt(variance), 1e-6f);
        rncl_dataset_close(dataset);
    }
}

static void the_validation_split_has_its_own_pictures_and_the_training_classes(void **state)
{
    struct blob labels = labels_blob(VALIDATION);
    labels.bytes[8 + 2] = 0; /* its only label 2 */
    write_plain(*state, VALIDATION_LABELS, &labels);
    rncl_dataset *dataset;
    assert_int_equal(open_split(*state, RNCL_SPLIT_VALIDATION, &dataset), RNCL_OK);
    assert_int_equal(dataset->info.count, VALIDATION);
    assert_int_equal(dataset->info.classes, CLASSES);
    rncl_dataset_close(dataset);
}

static void a_missing_folder_is_bad_data(void **state)
{
    (void)state;
    assert_refused("/nonexistent/pictures", RNCL_SPLIT_TRAIN, "/nonexistent/pictures", "no such folder");
}

static void a_folder_without_pictures_names_what_was_looked_for(void **state)
{
    for (size_t i = 0; i < COUNT(names); i++)
        remove_file(*state, names[i]);
    assert_refused(*state, RNCL_SPLIT_TRAIN, *state, TRAIN_IMAGES);
}

static void a_missing_file_is_named(void **state)
{
    remove_file(*state, TRAIN_LABELS);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_LABELS, "missing");
}

static void a_wrong_magic_number_is_named(void **state)
{
    struct blob blob = images_blob(TRAIN);
    blob.bytes[2] = 0x0d; /* floats */
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "magic number 0x00000d03");
}

static void labels_in_place_of_pictures_are_refused(void **state)
{
    struct blob blob = labels_blob(TRAIN);
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "magic number 0x00000801");
}

static void an_empty_file_is_truncated(void **state)
{
    struct blob blob = {.size = 0};
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "truncated");
}

static void a_plain_file_without_its_last_byte_is_truncated(void **state)
{
    struct blob blob = images_blob(TRAIN);
    blob.size--;
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "truncated");
}

static void a_file_with_bytes_left_over_is_refused(void **state)
{
    struct blob blob = images_blob(TRAIN);
    blob.size++;
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "longer");
}

static void a_gzipped_file_is_truncated_wherever_it_ends(void **state)
{
    struct blob blob = images_blob(TRAIN);
    remove_file(*state, TRAIN_IMAGES);
    for (off_t cut = 1; cut <= 40; cut++) {
        write_gzipped(*state, TRAIN_IMAGES, &blob, cut);
        assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES ".gz", "truncated");
    }
}

static void a_gzipped_file_with_a_changed_byte_is_refused(void **state)
{
    struct blob blob = images_blob(TRAIN);
    remove_file(*state, TRAIN_IMAGES);
    write_gzipped(*state, TRAIN_IMAGES, &blob, 0);
    char *path = rncl_text_format("%s/%s.gz", (char *)*state, TRAIN_IMAGES);
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, -8, SEEK_END), 0); /* the checksum */
    int byte = fgetc(file);
    assert_int_equal(fseek(file, -8, SEEK_END), 0);
    fputc(byte ^ 1, file);
    fclose(file);
    free(path);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES ".gz", "incorrect data check");
}

static void a_header_that_promises_too_much_is_refused(void **state)
{
    struct blob blob = images_blob(TRAIN);
    memset(blob.bytes + 4, 0x7f, 12);
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "impossible size");
}

static void a_gzipped_file_that_would_expand_without_end_is_refused(void **state)
{
    struct blob blob = images_blob(TRAIN);
    blob.bytes[4] = 0x7f;
    remove_file(*state, TRAIN_IMAGES);
    write_gzipped(*state, TRAIN_IMAGES, &blob, 0);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES ".gz", "times the file");
}

static void a_header_that_promises_gigabytes_is_truncated(void **state)
{
    struct blob blob = images_blob(TRAIN);
    blob.bytes[4] = 0x7f;
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "truncated");
}

static void a_header_with_a_size_of_zero_is_refused(void **state)
{
    struct blob blob = images_blob(0);
    write_plain(*state, TRAIN_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "impossible size 0");
}

static void fewer_labels_than_pictures_are_refused(void **state)
{
    struct blob blob = labels_blob(TRAIN - 1);
    write_plain(*state, TRAIN_LABELS, &blob);
    assert_refused(*state, RNCL_SPLIT_TRAIN, TRAIN_IMAGES, "6 pictures, but 5 labels");
}

static void a_validation_label_that_training_does_not_have_is_refused(void **state)
{
    struct blob blob = labels_blob(VALIDATION);
    blob.bytes[8 + 1] = CLASSES;
    write_plain(*state, VALIDATION_LABELS, &blob);
    assert_refused(*state, RNCL_SPLIT_VALIDATION, VALIDATION_LABELS, "label 3 at 1");
}

static void validation_pictures_of_another_size_are_refused(void **state)
{
    struct blob blob = images_blob(VALIDATION);
    blob.bytes[11] = WIDTH;
    blob.bytes[15] = HEIGHT;
    write_plain(*state, VALIDATION_IMAGES, &blob);
    assert_refused(*state, RNCL_SPLIT_VALIDATION, VALIDATION_IMAGES, "2 x 3");
}

static void fashion_mnist_is_recognised_by_its_labels(void **state)
{
    (void)state;
    const char *folder = "/usr/share/datasets/fashion-mnist"; /* Debian's dataset-fashion-mnist */
    if (!rncl_directory_exists(folder))
        skip();
    rncl_dataset *dataset;
    assert_int_equal(open_split(folder, RNCL_SPLIT_VALIDATION, &dataset), RNCL_OK);
    assert_int_equal(dataset->info.count, 10000);
    assert_int_equal(dataset->info.classes, 10);
    assert_float_equal(dataset->info.mean[0], 0.2860f, 1e-4f); /* the values that everybody uses */
    assert_float_equal(dataset->info.std[0], 0.3530f, 1e-4f);
    assert_string_equal(dataset->info.labels[9], "Ankle boot");
    rncl_dataset_close(dataset);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(plain_files_are_read),
        IN_FOLDER(gzipped_files_are_read),
        IN_FOLDER(mean_and_deviation_of_both_splits_are_the_training_splits),
        IN_FOLDER(the_validation_split_has_its_own_pictures_and_the_training_classes),
        cmocka_unit_test(a_missing_folder_is_bad_data),
        IN_FOLDER(a_folder_without_pictures_names_what_was_looked_for),
        IN_FOLDER(a_missing_file_is_named),
        IN_FOLDER(a_wrong_magic_number_is_named),
        IN_FOLDER(labels_in_place_of_pictures_are_refused),
        IN_FOLDER(an_empty_file_is_truncated),
        IN_FOLDER(a_plain_file_without_its_last_byte_is_truncated),
        IN_FOLDER(a_file_with_bytes_left_over_is_refused),
        IN_FOLDER(a_gzipped_file_is_truncated_wherever_it_ends),
        IN_FOLDER(a_gzipped_file_with_a_changed_byte_is_refused),
        IN_FOLDER(a_header_that_promises_too_much_is_refused),
        IN_FOLDER(a_gzipped_file_that_would_expand_without_end_is_refused),
        IN_FOLDER(a_header_that_promises_gigabytes_is_truncated),
        IN_FOLDER(a_header_with_a_size_of_zero_is_refused),
        IN_FOLDER(fewer_labels_than_pictures_are_refused),
        IN_FOLDER(a_validation_label_that_training_does_not_have_is_refused),
        IN_FOLDER(validation_pictures_of_another_size_are_refused),
        cmocka_unit_test(fashion_mnist_is_recognised_by_its_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
