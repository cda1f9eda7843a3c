/* Results from logits: averaged crops, ranks, losses, confusion matrices. */
#include <math.h>

#include "rncl/kernel_abi.h"
#include "tally.h"
#include "train_test.h"

enum { CLASSES = 7 };

static rncl_tally new_tally(int classes, int crops)
{
    rncl_tally tally;
    expect_ok(rncl_tally_init(&tally, classes, crops));
    return tally;
}

static void one_crop_counts_as_the_softmax_kernel_does(void **state)
{
    (void)state;
    static const float logits[4][CLASSES] = {
        {0, 1, 2, 3, 4, 5, 6}, /* label 6: the best */
        {0, 1, 2, 3, 4, 5, 6}, /* label 2: fifth */
        {0, 1, 2, 3, 4, 5, 6}, /* label 1: sixth */
        {3, 3, 3, 3, 3, 3, 3}, /* label 1: all are equal, and one comes before it */
    };
    static const int32_t labels[] = {6, 2, 1, 1};
    rncl_tally tally = new_tally(CLASSES, 1);
    rncl_tally_add(&tally, logits[0], labels, 4);
    assert_int_equal(tally.images, 4);
    assert_int_equal(tally.top1, 1);
    assert_int_equal(tally.top5, 3);
    double sum = 0;
    for (int i = 0; i < CLASSES; i++)
        sum += exp(i);
    assert_true(fabs(tally.loss - (3 * log(sum) - 6 - 2 - 1 + log(CLASSES))) < 1e-12);
    rncl_tally_fini(&tally);
}

static void answers_are_counted_by_truth_and_answer(void **state)
{
    (void)state;
    static const float logits[3][3] = {{0, 9, 0}, {0, 9, 0}, {9, 0, 0}};
    static const int32_t labels[] = {2, 1, 2};
    rncl_tally tally = new_tally(3, 1);
    rncl_tally_add(&tally, logits[0], labels, 3);
    static const uint64_t expected[] = {0, 0, 0, 0, 1, 0, 1, 1, 0};
    assert_memory_equal(tally.confusion, expected, sizeof expected);
    rncl_tally_fini(&tally);
}

/* The mean of the logits is larger for class 1. */
static void crops_average_their_probabilities(void **state)
{
    (void)state;
    static const float logits[3][2] = {{1, 0}, {1, 0}, {0, 3}};
    static const int32_t labels[] = {0, 0, 0};
    rncl_tally tally = new_tally(2, 3);
    rncl_tally_add(&tally, logits[0], labels, 3);
    const double share = (2 / (1 + exp(-1)) + 1 / (1 + exp(3))) / 3;
    assert_int_equal(tally.images, 1);
    assert_int_equal(tally.top1, 1);
    assert_true(fabs(tally.loss + log(share)) < 1e-12);
    rncl_tally_fini(&tally);
}

static void crops_of_one_picture_may_be_in_two_batches(void **state)
{
    (void)state;
    enum { CROPS = 10, ENTRIES = 6 * CROPS };
    float logits[ENTRIES][CLASSES];
    int32_t labels[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) {
        labels[i] = i / CROPS;
        for (int k = 0; k < CLASSES; k++)
            logits[i][k] = (float)((i * 31 + k * 17) % 23) / 4;
    }
    rncl_tally whole = new_tally(CLASSES, CROPS), parts = new_tally(CLASSES, CROPS);
    rncl_tally_add(&whole, logits[0], labels, ENTRIES);
    for (int first = 0; first < ENTRIES; first += 8)
        rncl_tally_add(&parts, logits[first], labels + first, MIN(8, ENTRIES - first));
    assert_int_equal(whole.images, 6);
    assert_int_equal(parts.images, 6);
    assert_true(whole.loss == parts.loss);
    assert_memory_equal(whole.confusion, parts.confusion, CLASSES * CLASSES * sizeof *whole.confusion);
    rncl_tally_fini(&whole);
    rncl_tally_fini(&parts);
}

static void entries_without_a_label_count_for_nothing(void **state)
{
    (void)state;
    static const float logits[4][2] = {{9, 0}, {9, 0}, {9, 0}, {9, 0}};
    static const int32_t labels[] = {0, 0, RNCL_NO_LABEL, RNCL_NO_LABEL};
    rncl_tally tally = new_tally(2, 2);
    rncl_tally_add(&tally, logits[0], labels, 4);
    assert_int_equal(tally.images, 1);
    assert_int_equal(tally.entries, 0);
    rncl_tally_fini(&tally);
}

static void a_picture_with_one_output_that_is_not_finite_is_wrong(void **state)
{
    (void)state;
    static const float logits[4][2] = {{9, 0}, {NAN, 0}, {0, INFINITY}, {9, -INFINITY}};
    static const int32_t labels[] = {0, 0, 1, 0};
    rncl_tally tally = new_tally(2, 1);
    rncl_tally_add(&tally, logits[0], labels, 4);
    assert_int_equal(tally.images, 4);
    assert_int_equal(tally.not_finite, 3);
    assert_int_equal(tally.top1, 1);
    assert_int_equal(tally.top5, 1);
    assert_true(isnan(tally.loss));
    static const uint64_t expected[] = {1, 0, 0, 0};
    assert_memory_equal(tally.confusion, expected, sizeof expected);
    rncl_tally_fini(&tally);
}

static void one_crop_that_is_not_finite_spoils_its_picture_and_no_other(void **state)
{
    (void)state;
    static const float logits[4][2] = {{9, 0}, {NAN, 0}, {9, 0}, {9, 0}};
    static const int32_t labels[] = {0, 0, 0, 0};
    rncl_tally tally = new_tally(2, 2);
    rncl_tally_add(&tally, logits[0], labels, 4);
    assert_int_equal(tally.images, 2);
    assert_int_equal(tally.not_finite, 1);
    assert_int_equal(tally.top1, 1);
    rncl_tally_fini(&tally);
}

/* exp(-600) is 0 in single precision, exp(-2000) in any. */
static void losses_do_not_underflow(void **state)
{
    (void)state;
    static const float logits[2][3] = {{0, 2000, -5}, {0, 600, 0}};
    static const int32_t labels[] = {0, 0};
    rncl_tally tally = new_tally(3, 1), crops = new_tally(3, 2);
    rncl_tally_add(&tally, logits[0], labels, 2);
    assert_true(fabs(tally.loss - 2600) < 1e-9);
    assert_int_equal(tally.top5, 2);
    rncl_tally_add(&crops, logits[0], labels, 2);
    assert_true(fabs(crops.loss - (600 + log(2))) < 1e-9);
    rncl_tally_fini(&tally);
    rncl_tally_fini(&crops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_crop_counts_as_the_softmax_kernel_does),
        cmocka_unit_test(answers_are_counted_by_truth_and_answer),
        cmocka_unit_test(crops_average_their_probabilities),
        cmocka_unit_test(crops_of_one_picture_may_be_in_two_batches),
        cmocka_unit_test(entries_without_a_label_count_for_nothing),
        cmocka_unit_test(a_picture_with_one_output_that_is_not_finite_is_wrong),
        cmocka_unit_test(one_crop_that_is_not_finite_spoils_its_picture_and_no_other),
        cmocka_unit_test(losses_do_not_underflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
