/* When a checkpoint by time is due. */
#include "save_clock.h"

#include "train_test.h"

static const uint64_t second_ns = 1000000000;

static void saving_takes_less_than_a_hundredth_but_happens_every_ten_minutes(void **state)
{
    (void)state;
    static const struct {
        double cost_seconds, interval_seconds;
    } expected[] = {{0, 60}, {0.1, 60}, {2, 200}, {5.5, 550}, {7, 600}, {1000, 600}};
    for (size_t i = 0; i < COUNT(expected); i++) {
        rncl_save_clock clock;
        rncl_save_clock_start(&clock, 5);
        const uint64_t cost = (uint64_t)(expected[i].cost_seconds * 1e9), now = 77 * second_ns + cost;
        rncl_save_clock_saved(&clock, 77 * second_ns, now);
        const uint64_t interval = (uint64_t)(expected[i].interval_seconds * 1e9);
        assert_true(rncl_save_clock_interval_ns(&clock) == interval);
        assert_false(rncl_save_clock_due(&clock, now + interval - 1));
        assert_true(rncl_save_clock_due(&clock, now + interval));
    }
}

static void the_first_is_due_a_minute_after_the_start(void **state)
{
    (void)state;
    rncl_save_clock clock;
    rncl_save_clock_start(&clock, 5 * second_ns);
    assert_false(rncl_save_clock_due(&clock, 64 * second_ns));
    assert_true(rncl_save_clock_due(&clock, 65 * second_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving_takes_less_than_a_hundredth_but_happens_every_ten_minutes),
        cmocka_unit_test(the_first_is_due_a_minute_after_the_start),
    };
    return cmocka_run_group_tests_name("save clock", tests, NULL, NULL);
}
