/* Learning rates at chosen steps, and the pace of training. */
#include "schedule.h"

#include <math.h>

#include "pace.h"
#include "train_test.h"

static rncl_options with(rncl_schedule_kind kind)
{
    rncl_options options;
    rncl_options_init(&options);
    options.schedule = kind;
    options.lr = 0.1f;
    return options;
}

static rncl_schedule schedule_of(const rncl_options *options, int64_t steps)
{
    rncl_schedule schedule;
    expect_ok(rncl_schedule_init(options, steps, &schedule));
    return schedule;
}

static void expect_rate(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step,
                        double wanted)
{
    const rncl_plateau start = rncl_plateau_start();
    const double rate = (double)rncl_schedule_lr(schedule, plateau ? plateau : &start, step);
    if (fabs(rate - wanted) > 1e-6 * wanted + 1e-9)
        fail_msg("step %d: %.9g instead of %.9g", (int)step, rate, wanted);
}

static void constant_stays(void **state)
{
    (void)state;
    const rncl_options options = with(RNCL_SCHEDULE_CONSTANT);
    const rncl_schedule schedule = schedule_of(&options, 100);
    expect_rate(&schedule, NULL, 0, 0.1);
    expect_rate(&schedule, NULL, 99, 0.1);
}

static void step_divides_at_the_given_shares(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_STEP);
    snprintf(options.lr_steps, sizeof options.lr_steps, "0.5,0.75");
    const rncl_schedule schedule = schedule_of(&options, 1000);
    expect_rate(&schedule, NULL, 0, 0.1);
    expect_rate(&schedule, NULL, 499, 0.1);
    expect_rate(&schedule, NULL, 500, 0.01);
    expect_rate(&schedule, NULL, 749, 0.01);
    expect_rate(&schedule, NULL, 750, 0.001);
    expect_rate(&schedule, NULL, 999, 0.001);
}

static void steps_may_be_given_as_they_are(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_STEP);
    snprintf(options.lr_steps, sizeof options.lr_steps, "32000,48000");
    const rncl_schedule schedule = schedule_of(&options, 64000), shorter = schedule_of(&options, 100);
    expect_rate(&schedule, NULL, 31999, 0.1);
    expect_rate(&schedule, NULL, 32000, 0.01);
    expect_rate(&schedule, NULL, 48000, 0.001);
    expect_rate(&shorter, NULL, 99, 0.1);
}

static void a_warm_up_at_a_rate_of_its_own_is_level(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_STEP);
    options.warmup_steps = 400;
    options.warmup_lr = 0.01f;
    const rncl_schedule schedule = schedule_of(&options, 64000);
    expect_rate(&schedule, NULL, 0, 0.01);
    expect_rate(&schedule, NULL, 399, 0.01);
    expect_rate(&schedule, NULL, 400, 0.1);
}

static void cosine_falls_from_full_over_half_to_nothing(void **state)
{
    (void)state;
    const rncl_options options = with(RNCL_SCHEDULE_COSINE);
    const rncl_schedule schedule = schedule_of(&options, 1000);
    expect_rate(&schedule, NULL, 0, 0.1);
    expect_rate(&schedule, NULL, 250, 0.1 * (0.5 + sqrt(0.125)));
    expect_rate(&schedule, NULL, 500, 0.05);
    expect_rate(&schedule, NULL, 1000, 0);
}

static void warm_up_rises_by_equal_steps_to_the_full_rate(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_CONSTANT);
    options.warmup_steps = 4;
    const rncl_schedule schedule = schedule_of(&options, 100);
    expect_rate(&schedule, NULL, 0, 0.025);
    expect_rate(&schedule, NULL, 1, 0.05);
    expect_rate(&schedule, NULL, 3, 0.1);
    expect_rate(&schedule, NULL, 4, 0.1);
}

static void cosine_begins_behind_the_warm_up(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_COSINE);
    options.warmup_steps = 100;
    const rncl_schedule schedule = schedule_of(&options, 300);
    expect_rate(&schedule, NULL, 99, 0.1);
    expect_rate(&schedule, NULL, 100, 0.1);
    expect_rate(&schedule, NULL, 200, 0.05);
}

static void a_run_shorter_than_its_warm_up_only_rises(void **state)
{
    (void)state;
    rncl_options options = with(RNCL_SCHEDULE_COSINE);
    options.warmup_steps = 100;
    const rncl_schedule schedule = schedule_of(&options, 10);
    expect_rate(&schedule, NULL, 9, 0.01);
}

static void plateau_divides_after_patience_evaluations_without_a_better_one(void **state)
{
    (void)state;
    const rncl_options options = with(RNCL_SCHEDULE_PLATEAU);
    const rncl_schedule schedule = schedule_of(&options, 100);
    static const struct {
        double error, rate;
    } evaluations[] = {
        {50, 0.1},   {40, 0.1},  {41, 0.1},  {40, 0.1}, /* equal is not better */
        {39, 0.1},                                      /* better: the count starts again */
        {45, 0.1},   {39, 0.1},  {39, 0.01}, {60, 0.01},
        {10, 0.01},  {11, 0.01}, {12, 0.01}, /* better, but the rate does not rise again */
        {13, 0.001},
    };
    rncl_plateau plateau = rncl_plateau_start();
    for (size_t i = 0; i < COUNT(evaluations); i++) {
        rncl_plateau_update(&plateau, evaluations[i].error, 3);
        expect_rate(&schedule, &plateau, 50, evaluations[i].rate);
    }
}

static void evaluations_without_a_better_one_are_counted_through_drops(void **state)
{
    (void)state;
    static const double errors[] = {50, 50, 51, 50, 49, 49};
    static const int64_t stale[] = {0, 1, 2, 3, 0, 1};
    rncl_plateau plateau = rncl_plateau_start();
    for (size_t i = 0; i < COUNT(errors); i++) {
        rncl_plateau_update(&plateau, errors[i], 2);
        assert_int_equal(plateau.stale, stale[i]);
    }
}

static void average_shares_weigh_all_weights_so_far_by_the_decay(void **state)
{
    (void)state;
    assert_float_equal(rncl_average_share(0, 1), 0, 0);
    assert_float_equal(rncl_average_share(0.9f, 1), 1, 0);
    assert_float_equal(rncl_average_share(0.5f, 3), 0.5f / 0.875f, 1e-6);
    assert_float_equal(rncl_average_share(0.9f, 10000), 0.1, 1e-6);
}

static void other_schedules_do_not_look_at_the_plateau(void **state)
{
    (void)state;
    const rncl_plateau dropped = {.drops = 2};
    static const rncl_schedule_kind kinds[] = {RNCL_SCHEDULE_STEP, RNCL_SCHEDULE_COSINE,
                                               RNCL_SCHEDULE_CONSTANT};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const rncl_options options = with(kinds[i]);
        const rncl_schedule schedule = schedule_of(&options, 100);
        expect_rate(&schedule, &dropped, 0, 0.1);
    }
}

static void shares_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "0",
        "inf",
        "48000,32000",
        "0.5,2",
        "0.5,0.5",
        "0.7,0.5",
        "0.5,",
        ",0.5",
        "half",
        "0.5;0.7",
        "nan",
        "-0.1",
        "0.01,0.02,0.03,0.04,0.05,0.06,0.07,0.08,0.09,0.1,0.11,0.12,0.13,0.14,"
        "0.15,0.16,0.17"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_options options = with(RNCL_SCHEDULE_STEP);
        snprintf(options.lr_steps, sizeof options.lr_steps, "%s", cases[i]);
        rncl_schedule schedule;
        expect_failure(rncl_schedule_init(&options, 100, &schedule), RNCL_ERR_USAGE, "--lr-steps");
    }
}

/* Times below are in nanoseconds. */
static const uint64_t second = 1000000000;

static void pauses_and_the_first_step_do_not_count_as_pace(void **state)
{
    (void)state;
    rncl_pace pace;
    rncl_pace_start(&pace, 5 * second);
    rncl_pace_go(&pace, 10 * second);
    rncl_pace_step(&pace, 30 * second, 3 * second); /* the first */
    assert_int_equal(pace.first_step_ns, 25 * second);
    assert_float_equal(rncl_pace_steps_per_second(&pace.all), 0, 1e-12);
    rncl_pace_step(&pace, 32 * second, 3 * second);
    rncl_pace_go(&pace, 100 * second); /* an evaluation */
    rncl_pace_step(&pace, 104 * second, 6 * second);
    assert_float_equal(rncl_pace_steps_per_second(&pace.all), 2.0 / 6, 1e-12);
    assert_float_equal(rncl_pace_waiting(&pace.all), 3.0 / 6, 1e-12);
    assert_float_equal(rncl_pace_seconds(&pace, 104 * second), 99, 1e-12);
    assert_int_equal(pace.first_step_ns, 25 * second);
}

static void an_interval_holds_what_came_since_the_last(void **state)
{
    (void)state;
    rncl_pace pace;
    rncl_pace_start(&pace, 0);
    for (uint64_t i = 1; i <= 4; i++)
        rncl_pace_step(&pace, i * second, 0);
    assert_int_equal(rncl_pace_interval(&pace).steps, 3);
    rncl_pace_step(&pace, 8 * second, 0);
    const rncl_pace_sums interval = rncl_pace_interval(&pace);
    assert_float_equal(rncl_pace_steps_per_second(&interval), 0.25, 1e-12);
    assert_int_equal(pace.all.steps, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(step_divides_at_the_given_shares),
        cmocka_unit_test(steps_may_be_given_as_they_are),
        cmocka_unit_test(a_warm_up_at_a_rate_of_its_own_is_level),
        cmocka_unit_test(cosine_falls_from_full_over_half_to_nothing),
        cmocka_unit_test(warm_up_rises_by_equal_steps_to_the_full_rate),
        cmocka_unit_test(cosine_begins_behind_the_warm_up),
        cmocka_unit_test(a_run_shorter_than_its_warm_up_only_rises),
        cmocka_unit_test(plateau_divides_after_patience_evaluations_without_a_better_one),
        cmocka_unit_test(evaluations_without_a_better_one_are_counted_through_drops),
        cmocka_unit_test(average_shares_weigh_all_weights_so_far_by_the_decay),
        cmocka_unit_test(other_schedules_do_not_look_at_the_plateau),
        cmocka_unit_test(shares_that_are_none_are_refused),
        cmocka_unit_test(pauses_and_the_first_step_do_not_count_as_pace),
        cmocka_unit_test(an_interval_holds_what_came_since_the_last),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
