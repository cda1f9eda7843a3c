/* A data set with other labels, and invalid labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relabel.h"
#include "rncl/kernel_abi.h"

enum { CLASSES = 3 };

static int closed;

/* Picture i has label i, whatever classes there are. */
static rncl_status read_index(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    (void)dataset;
    *pixels = (uint8_t)(index + 100);
    *label = (int)index;
    return RNCL_OK;
}

static int label_index(const rncl_dataset *dataset, uint32_t index)
{
    (void)dataset;
    return (int)index;
}

static void count_close(rncl_dataset *dataset)
{
    (void)dataset;
    closed++;
}

static const rncl_reader reader = {
    .name = "indices", .read = read_index, .label = label_index, .close = count_close};

static rncl_dataset *open_relabelled(void)
{
    static const int new_of[CLASSES] = {1, RNCL_NO_LABEL, 0};
    static const char *const labels[] = {"c", "a"};
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    assert_non_null(dataset);
    dataset->reader = &reader;
    dataset->info = (rncl_dataset_info){.format = "indices", .count = 5, .classes = CLASSES};
    assert_int_equal(rncl_dataset_relabel(&dataset, new_of, 2, labels), RNCL_OK);
    return dataset;
}

static void pictures_stay_and_labels_change(void **unused)
{
    (void)unused;
    static const int expected[CLASSES] = {1, RNCL_NO_LABEL, 0};
    rncl_dataset *dataset = open_relabelled();
    assert_int_equal(dataset->info.count, 5);
    assert_int_equal(dataset->info.classes, 2);
    assert_string_equal(dataset->info.labels[0], "c");
    assert_null(dataset->reader->decode);
    for (uint32_t i = 0; i < CLASSES; i++) {
        uint8_t pixel;
        int label;
        assert_int_equal(rncl_dataset_read(dataset, i, &pixel, &label), RNCL_OK);
        assert_int_equal(pixel, i + 100);
        assert_int_equal(label, expected[i]);
        assert_int_equal(rncl_dataset_label(dataset, i), expected[i]);
    }
    closed = 0;
    rncl_dataset_close(dataset);
    assert_int_equal(closed, 1);
}

static void labels_that_are_no_class_are_the_datas_fault(void **unused)
{
    (void)unused;
    rncl_dataset *dataset = open_relabelled();
    uint8_t pixel;
    int label;
    assert_int_equal(rncl_dataset_read(dataset, 3, &pixel, &label), RNCL_ERR_DATA);
    assert_int_equal(rncl_dataset_read(dataset, UINT32_MAX, &pixel, &label), RNCL_ERR_DATA);
    rncl_dataset_close(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_stay_and_labels_change),
        cmocka_unit_test(labels_that_are_no_class_are_the_datas_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
