/* Class weights: their sources, and the messages for invalid ones. */
#include "class_weights.h"

#include "train_test.h"

enum { CLASSES = 3 };

/* Labels 0, 0, 0, 2: one class without pictures. */
static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    (void)dataset;
    return index < 3 ? 0 : 2;
}

static const rncl_reader reader = {.name = "test", .label = label_of};
static const rncl_dataset pictures = {.reader = &reader, .info = {.count = 4, .classes = CLASSES}};

static void expect_weights(const char *text, const float *wanted)
{
    float *weights;
    expect_ok(rncl_class_weights_make(text, &pictures, CLASSES, &weights));
    assert_non_null(weights);
    for (int i = 0; i < CLASSES; i++)
        assert_float_equal(weights[i], wanted[i], 1e-6);
    free(weights);
}

static void nothing_is_no_weights(void **state)
{
    (void)state;
    float *weights = (float *)&pictures; /* not NULL */
    expect_ok(rncl_class_weights_make("", &pictures, CLASSES, &weights));
    assert_null(weights);
}

static void lists_and_files_hold_one_weight_a_class(void **state)
{
    (void)state;
    static const float wanted[] = {1, 0.25f, 30};
    expect_weights("1,0.25,3e1", wanted);
    write_text("weights.txt", "1 0.25\n30\n");
    expect_weights("weights.txt", wanted);
    write_text("weights.csv", "1, 0.25, 30");
    expect_weights("weights.csv", wanted);
}

static void balanced_weights_are_the_rarer_the_greater(void **state)
{
    (void)state;
    static const float wanted[] = {4.0f / (2 * 3), 1, 4.0f / (2 * 1)};
    expect_weights("balanced", wanted);
}

static void weights_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rncl_status status;
        const char *part;
    } cases[] = {
        {"1,2", RNCL_ERR_USAGE, "fewer weights than the 3 classes"},
        {"1,2,3,4", RNCL_ERR_USAGE, "more weights than the 3 classes"},
        {"1,0,2", RNCL_ERR_USAGE, "weight 2 is not a number above 0"},
        {"1,2,-3", RNCL_ERR_USAGE, "weight 3"},
        {"1,2,1e999", RNCL_ERR_USAGE, "weight 3"},
        {"words.txt", RNCL_ERR_USAGE, "words.txt: weight 1"},
        {"empty.txt", RNCL_ERR_USAGE, "empty.txt: fewer weights"},
        {"balance", RNCL_ERR_IO, "balanced"},
    };
    write_text("words.txt", "one two three");
    write_text("empty.txt", "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        float *weights = (float *)&pictures; /* not NULL */
        expect_failure(rncl_class_weights_make(cases[i].text, &pictures, CLASSES, &weights), cases[i].status,
                       cases[i].part);
        assert_null(weights);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_weights),
        cmocka_unit_test(lists_and_files_hold_one_weight_a_class),
        cmocka_unit_test(balanced_weights_are_the_rarer_the_greater),
        cmocka_unit_test(weights_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("class weights", tests, make_folder, remove_folder);
}
