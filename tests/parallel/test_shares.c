/* Cuts of a batch between ranks that are not equally fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shares.h"
#include "util.h"

static void only_lists_of_positive_whole_numbers_are_shares(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",    "equal", "auto", "1,",      "1,,2", "0,1",  "1,0", "-1,2",
        "1.5", "1 ,2",  ",1",   "1000001", "+1",   "1,2x", " 1",  "99999999999999999999"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(rncl_shares_count(wrong[i]), 0);
    assert_int_equal(rncl_shares_count("7"), 1);
    assert_int_equal(rncl_shares_count("3,1,1000000"), 3);
}

static void a_batch_is_cut_in_proportion_without_gaps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int whole, counts[3];
    } cases[] = {
        {"5,2,1", 8, {5, 2, 1}},
        {"5,2,1", 16, {10, 4, 2}},
        {"1,1,1", 10, {3, 3, 4}},
        {"1000000,999999,1000000", 2000000000, {666666888, 666666223, 666666889}},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        int end = 0;
        for (int i = 0; i < 3; i++) {
            rncl_share share;
            assert_int_equal(rncl_shares_cut(cases[c].text, cases[c].whole, i, &share), RNCL_OK);
            assert_int_equal(share.first, end);
            assert_int_equal(share.count, cases[c].counts[i]);
            end += share.count;
        }
        assert_int_equal(end, cases[c].whole);
    }
}

/* Every rank finds it, whichever has nothing. */
static void a_rank_without_a_picture_is_a_mistake(void **state)
{
    (void)state;
    rncl_share share;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rncl_shares_cut("1,1000", 32, i, &share), RNCL_ERR_USAGE);
        assert_non_null(strstr(rncl_status_message(), "rank 0 has no picture"));
    }
}

static void measured_shares_follow_the_speeds_and_leave_nobody_out(void **state)
{
    (void)state;
    static const struct {
        double speeds[3];
        int whole;
        const char *text;
    } cases[] = {
        {{300, 100, 100}, 20, "12,4,4"},
        {{1, 1, 1}, 32, "11,10,11"},
        {{1e9, 1, 1}, 32, "30,1,1"},
        {{1, 1e9, 1}, 3, "1,1,1"},
    };
    char text[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(rncl_shares_of_speeds(cases[i].speeds, 3, cases[i].whole, text, sizeof text),
                         RNCL_OK);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(rncl_shares_count(text), 3);
    }
    assert_int_equal(rncl_shares_of_speeds(cases[0].speeds, 3, 20, text, 6), RNCL_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lists_of_positive_whole_numbers_are_shares),
        cmocka_unit_test(a_batch_is_cut_in_proportion_without_gaps),
        cmocka_unit_test(a_rank_without_a_picture_is_a_mistake),
        cmocka_unit_test(measured_shares_follow_the_speeds_and_leave_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
