/* Matching a model's classes with those of the data, by name or by position. */
#include "train_test.h"

#include "class_match.h"
#include "rncl/kernel_abi.h"
#include "util.h"

#define CLASSES(...)                                                                                         \
    {                                                                                                        \
        .names = (const char *const[]){__VA_ARGS__},                                                         \
        .count = (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))                          \
    }

static void names_decide_where_they_meet(void **unused)
{
    (void)unused;
    const struct {
        rncl_class_names model, data;
        bool by_name;
        int model_of[4], missing, added;
    } cases[] = {
        {CLASSES("a", "b"), CLASSES("a", "b"), true, {0, 1}, 0, 0},
        {CLASSES("b", "a"), CLASSES("a", "b"), true, {1, 0}, 0, 0},
        {CLASSES("b", "a", "c"), CLASSES("a", "d"), true, {1, RNCL_NO_LABEL}, 2, 1},
        {CLASSES("a"), CLASSES("d", "c", "b", "a"), true, {-1, -1, -1, 0}, 0, 3},
        {CLASSES("x", "a", "a"), CLASSES("a"), true, {1}, 1, 0},
        {CLASSES("a", "b"), CLASSES("A", "B"), false, {0}, 0, 0},
        {CLASSES("a", "b"), {NULL, 0}, false, {0}, 0, 0},
        {{NULL, 0}, CLASSES("a", "b"), false, {0}, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_class_match match;
        assert_int_equal(rncl_class_match_init(&cases[i].model, &cases[i].data, &match), RNCL_OK);
        assert_int_equal(match.by_name, cases[i].by_name);
        for (int c = 0; match.by_name && c < cases[i].data.count; c++)
            assert_int_equal(match.model_of[c], cases[i].model_of[c]);
        assert_int_equal(match.missing_count, cases[i].missing);
        assert_int_equal(match.added_count, cases[i].added);
        rncl_class_match_fini(&match);
    }
}

static void what_is_missing_or_new_is_told_in_order(void **unused)
{
    (void)unused;
    const rncl_class_names model = CLASSES("z", "m", "b"), data = CLASSES("y", "b", "a");
    rncl_class_match match;
    assert_int_equal(rncl_class_match_init(&model, &data, &match), RNCL_OK);
    assert_string_equal(match.missing[0], "z");
    assert_string_equal(match.missing[1], "m");
    assert_string_equal(match.added[0], "y");
    assert_string_equal(match.added[1], "a");
    rncl_class_match_fini(&match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_decide_where_they_meet),
        cmocka_unit_test(what_is_missing_or_new_is_told_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
