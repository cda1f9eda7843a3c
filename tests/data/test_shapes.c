/* The generated set: reproducible, balanced, and different in each split. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset.h"
#include "util.h"

enum { SIZE = 32, BYTES = SIZE * SIZE * 3 };

static rncl_dataset *open_shapes(rncl_split split, int image)
{
    const rncl_dataset_options options = {.path = "shapes", .split = split, .image = image};
    rncl_dataset *dataset;
    assert_int_equal(rncl_dataset_open(&options, &dataset), RNCL_OK);
    return dataset;
}

static void no_path_means_shapes_of_32_pixels(void **state)
{
    (void)state;
    const rncl_dataset_options options = {.split = RNCL_SPLIT_TRAIN};
    rncl_dataset *dataset;
    assert_int_equal(rncl_dataset_open(&options, &dataset), RNCL_OK);
    assert_string_equal(dataset->info.format, "shapes");
    assert_int_equal(dataset->info.height, SIZE);
    assert_int_equal(dataset->info.width, SIZE);
    assert_int_equal(dataset->info.channels, 3);
    assert_true(dataset->info.classes >= 10);
    rncl_dataset_close(dataset);
}

static void a_picture_is_always_the_same(void **state)
{
    (void)state;
    rncl_dataset *first = open_shapes(RNCL_SPLIT_TRAIN, SIZE), *second = open_shapes(RNCL_SPLIT_TRAIN, SIZE);
    uint8_t one[BYTES], other[BYTES];
    int label, other_label;
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(rncl_dataset_read(first, i, one, &label), RNCL_OK);
        assert_int_equal(rncl_dataset_read(second, 49 - i, other, &other_label), RNCL_OK);
        assert_int_equal(rncl_dataset_read(second, i, other, &other_label), RNCL_OK);
        assert_memory_equal(one, other, BYTES);
        assert_int_equal(label, other_label);
    }
    rncl_dataset_close(first);
    rncl_dataset_close(second);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

static void no_picture_occurs_twice_in_either_split(void **state)
{
    (void)state;
    enum { EACH = 2000 };
    uint64_t hashes[2 * EACH];
    const rncl_split splits[] = {RNCL_SPLIT_TRAIN, RNCL_SPLIT_VALIDATION};
    for (int s = 0; s < 2; s++) {
        rncl_dataset *dataset = open_shapes(splits[s], 8);
        for (uint32_t i = 0; i < EACH; i++) {
            uint8_t pixels[8 * 8 * 3];
            int label;
            assert_int_equal(rncl_dataset_read(dataset, i, pixels, &label), RNCL_OK);
            hashes[s * EACH + (int)i] = rncl_hash(RNCL_HASH_START, pixels, sizeof pixels);
        }
        rncl_dataset_close(dataset);
    }
    qsort(hashes, COUNT(hashes), sizeof *hashes, compare_hashes);
    for (size_t i = 1; i < COUNT(hashes); i++)
        assert_true(hashes[i - 1] != hashes[i]);
}

static void every_class_is_named_and_equally_frequent(void **state)
{
    (void)state;
    const rncl_split splits[] = {RNCL_SPLIT_TRAIN, RNCL_SPLIT_VALIDATION};
    for (size_t s = 0; s < COUNT(splits); s++) {
        rncl_dataset *dataset = open_shapes(splits[s], 1);
        uint32_t seen[64] = {0};
        for (uint32_t i = 0; i < dataset->info.count; i++) {
            uint8_t pixels[3];
            int label;
            assert_int_equal(rncl_dataset_read(dataset, i, pixels, &label), RNCL_OK);
            assert_in_range(label, 0, dataset->info.classes - 1);
            seen[label]++;
        }
        for (int i = 0; i < dataset->info.classes; i++) {
            assert_int_equal(seen[i], dataset->info.count / (uint32_t)dataset->info.classes);
            assert_true(strlen(dataset->info.labels[i]) > 0);
        }
        rncl_dataset_close(dataset);
    }
}

static void pictures_of_any_size_are_drawn_whole(void **state)
{
    (void)state;
    const int sizes[] = {1, 2, 3, 7, 32, 57, 224};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        rncl_dataset *dataset = open_shapes(RNCL_SPLIT_TRAIN, sizes[s]);
        assert_int_equal(dataset->info.height, sizes[s]);
        size_t bytes = (size_t)sizes[s] * (size_t)sizes[s] * 3;
        uint8_t *pixels = malloc(bytes + 1);
        pixels[bytes] = 77; /* nothing is written beyond the end */
        for (uint32_t i = 0; i < 2 * (uint32_t)dataset->info.classes; i++) {
            int label;
            assert_int_equal(rncl_dataset_read(dataset, i, pixels, &label), RNCL_OK);
            assert_int_equal(pixels[bytes], 77);
        }
        free(pixels);
        rncl_dataset_close(dataset);
    }
}

/* Mean of each of 8 x 8 fields of a picture. */
static void shrink(const uint8_t *pixels, int size, double *fields)
{
    memset(fields, 0, 64 * 3 * sizeof *fields);
    int per_field = size / 8;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++)
            for (int k = 0; k < 3; k++)
                fields[(i / per_field * 8 + j / per_field) * 3 + k] +=
                    pixels[(i * size + j) * 3 + k] / (double)(per_field * per_field);
}

static void a_picture_shows_the_same_at_every_size(void **state)
{
    (void)state;
    rncl_dataset *small = open_shapes(RNCL_SPLIT_TRAIN, 32), *large = open_shapes(RNCL_SPLIT_TRAIN, 224);
    uint8_t *pixels = malloc(224 * 224 * 3);
    for (uint32_t i = 0; i < 20; i++) {
        double fields[64 * 3], large_fields[64 * 3], difference = 0;
        int label, large_label;
        assert_int_equal(rncl_dataset_read(small, i, pixels, &label), RNCL_OK);
        shrink(pixels, 32, fields);
        assert_int_equal(rncl_dataset_read(large, i, pixels, &large_label), RNCL_OK);
        shrink(pixels, 224, large_fields);
        for (int j = 0; j < 64 * 3; j++)
            difference +=
                (fields[j] > large_fields[j] ? fields[j] - large_fields[j] : large_fields[j] - fields[j]);
        assert_true(difference / (64 * 3) <
                    6); /* grain and edges differ; another picture would differ by 60 */
        assert_int_equal(label, large_label);
    }
    free(pixels);
    rncl_dataset_close(small);
    rncl_dataset_close(large);
}

static void mean_and_deviation_are_those_of_the_pictures(void **state)
{
    (void)state;
    enum { PICTURES = 2000 };
    rncl_dataset *dataset = open_shapes(RNCL_SPLIT_TRAIN, SIZE);
    double sum[3] = {0}, squares[3] = {0};
    for (uint32_t i = 0; i < PICTURES; i++) {
        uint8_t pixels[BYTES];
        int label;
        assert_int_equal(rncl_dataset_read(dataset, i, pixels, &label), RNCL_OK);
        for (int j = 0; j < BYTES; j++) {
            double value = pixels[j] / 255.0;
            sum[j % 3] += value;
            squares[j % 3] += value * value;
        }
    }
    for (int k = 0; k < 3; k++) {
        double count = (double)PICTURES * SIZE * SIZE, mean = sum[k] / count;
        assert_float_equal(dataset->info.mean[k], (float)mean, 0.02f);
        assert_float_equal(dataset->info.std[k], (float)sqrt(squares[k] / count - mean * mean), 0.01f);
    }
    rncl_dataset_close(dataset);
}

static void a_size_that_cannot_be_drawn_is_wrong_usage(void **state)
{
    (void)state;
    const int sizes[] = {-1, 1 << 20};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const rncl_dataset_options options = {.path = "shapes", .image = sizes[i]};
        rncl_dataset *dataset;
        assert_int_equal(rncl_dataset_open(&options, &dataset), RNCL_ERR_USAGE);
        assert_null(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path_means_shapes_of_32_pixels),
        cmocka_unit_test(a_picture_is_always_the_same),
        cmocka_unit_test(no_picture_occurs_twice_in_either_split),
        cmocka_unit_test(every_class_is_named_and_equally_frequent),
        cmocka_unit_test(pictures_of_any_size_are_drawn_whole),
        cmocka_unit_test(a_picture_shows_the_same_at_every_size),
        cmocka_unit_test(mean_and_deviation_are_those_of_the_pictures),
        cmocka_unit_test(a_size_that_cannot_be_drawn_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
