/* The arena's plan: buffers with overlapping lifetimes do not overlap, others share memory, and limits are
 * kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory_plan.h"
#include "random.h"
#include "util.h"

enum { ALIGNMENT = 128, REQUESTS = 200 };

static void buffers_alive_together_never_overlap(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        rncl_random random = rncl_random_stream(seed, RNCL_RANDOM_TEST, 0, 0);
        rncl_memory_request requests[REQUESTS];
        for (int i = 0; i < REQUESTS; i++) {
            int first = (int)rncl_random_below(&random, 100);
            requests[i] = (rncl_memory_request){.size_bytes = rncl_random_below(&random, 10000),
                                                .first = first,
                                                .last = first + (int)rncl_random_below(&random, 30)};
        }
        rncl_memory_plan plan;
        assert_int_equal(rncl_memory_plan_make(requests, REQUESTS, ALIGNMENT, 50000, &plan), RNCL_OK);
        for (int i = 0; i < REQUESTS; i++) {
            const rncl_memory_request *a = &requests[i];
            assert_true(a->offset_bytes % ALIGNMENT == 0);
            assert_true(a->size_bytes == 0 || a->offset_bytes + a->size_bytes <= plan.block_bytes[a->block]);
            assert_true(plan.block_bytes[a->block] <= 50000);
            for (int j = 0; j < i; j++) {
                const rncl_memory_request *b = &requests[j];
                int apart = a->block != b->block || a->last < b->first || b->last < a->first ||
                            a->offset_bytes + a->size_bytes <= b->offset_bytes ||
                            b->offset_bytes + b->size_bytes <= a->offset_bytes;
                assert_true(apart || !a->size_bytes || !b->size_bytes);
            }
        }
    }
}

static void buffers_that_never_meet_share_memory(void **state)
{
    (void)state;
    rncl_memory_request requests[10];
    for (int i = 0; i < 10; i++)
        requests[i] = (rncl_memory_request){.size_bytes = 1000, .first = 2 * i, .last = 2 * i + 1};
    rncl_memory_plan plan;
    assert_int_equal(rncl_memory_plan_make(requests, 10, ALIGNMENT, 1 << 20, &plan), RNCL_OK);
    assert_int_equal(plan.total_bytes, 1000);
}

static void a_block_never_exceeds_what_the_device_allocates_at_once(void **state)
{
    (void)state;
    rncl_memory_request requests[4];
    for (int i = 0; i < 4; i++)
        requests[i] = (rncl_memory_request){.size_bytes = 600, .first = 0, .last = 1};
    rncl_memory_plan plan;
    assert_int_equal(rncl_memory_plan_make(requests, 4, ALIGNMENT, 1300, &plan), RNCL_OK);
    assert_int_equal(plan.block_count, 2);
}

static void a_buffer_larger_than_an_allocation_is_refused(void **state)
{
    (void)state;
    rncl_memory_request request = {.size_bytes = 2000, .first = 0, .last = 0};
    rncl_memory_plan plan;
    assert_int_equal(rncl_memory_plan_make(&request, 1, ALIGNMENT, 1999, &plan), RNCL_ERR_DEVICE_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_alive_together_never_overlap),
        cmocka_unit_test(buffers_that_never_meet_share_memory),
        cmocka_unit_test(a_block_never_exceeds_what_the_device_allocates_at_once),
        cmocka_unit_test(a_buffer_larger_than_an_allocation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
