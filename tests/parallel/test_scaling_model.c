/* Predictions for a step whose times can be added up by hand. */
#include "scaling_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 1 Gb/s are 125,000 bytes a millisecond. */
static const rncl_scaling_bucket buckets[] = {{.bytes = 1250000, .ready_ms = 60},
                                              {.bytes = 250000, .ready_ms = 100}};
static const rncl_scaling_step step = {.buckets = buckets, .count = 2, .backward_ms = 100, .update_ms = 5};

static void expect(double value, double wanted)
{
    if (fabs(value - wanted) > 1e-9)
        fail_msg("%.12g, not %.12g", value, wanted);
}

static void one_rank_waits_for_nobody(void **state)
{
    (void)state;
    const rncl_scaling alone = rncl_scaling_predict(&step, 1, (rncl_scaling_link){1, 1000});
    expect(alone.step_ms, 105);
    expect(alone.exposed_ms, 0);
}

/* The first bucket takes 2 (1 + 5) ms and is there before backward ends, the second 2 (1 + 1) ms behind it;
 * results take 1 ms. */
static void only_the_last_bucket_is_exposed_on_a_fast_link(void **state)
{
    (void)state;
    const rncl_scaling two = rncl_scaling_predict(&step, 2, (rncl_scaling_link){1, 1000});
    expect(two.exposed_ms, 5);
    expect(two.step_ms, 110);
}

/* 0.1 Gb/s: 2 (0 + 50) ms from 60 on, and 2 (0 + 10) ms. */
static void a_slow_link_ends_later_than_backward(void **state)
{
    (void)state;
    const rncl_scaling two = rncl_scaling_predict(&step, 2, (rncl_scaling_link){0.1, 0});
    expect(two.exposed_ms, 80);
    expect(two.step_ms, 185);
}

/* 4 ranks: 3 messages of a quarter each way, so 2 (1 + 3 * 2.5) = 17 and 2 (1 + 3 * 0.5) = 5 ms; results 1
 * ms. */
static void ranks_send_to_all_others_at_once(void **state)
{
    (void)state;
    const rncl_scaling four = rncl_scaling_predict(&step, 4, (rncl_scaling_link){1, 1000});
    expect(four.exposed_ms, 5 + 1);
    expect(four.step_ms, 111);
}

/* 10 ranks: 9 messages are one more than go at once; 2 (2 + 9) = 22 ms end before backward, the others take 2
 * (2 + 9 * 0.2) ms, results 2. */
static void many_ranks_wait_for_latency_more_than_once(void **state)
{
    (void)state;
    const rncl_scaling ten = rncl_scaling_predict(&step, 10, (rncl_scaling_link){1, 1000});
    expect(ten.exposed_ms, 2 * (2 + 1.8) + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_waits_for_nobody),
        cmocka_unit_test(only_the_last_bucket_is_exposed_on_a_fast_link),
        cmocka_unit_test(a_slow_link_ends_later_than_backward),
        cmocka_unit_test(ranks_send_to_all_others_at_once),
        cmocka_unit_test(many_ranks_wait_for_latency_more_than_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
