/* Memory that the host and a device take in turns, on whatever device RNCL_TEST_DEVICE chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "context.h"
#include "device.h"
#include "host_memory.h"

enum { COUNT_OF_FLOATS = 5000 }; /* not of whole pages */

static rncl_device_list *list;
static rncl_context *context;

static int open_device(void **state)
{
    (void)state;
    const rncl_device *device;
    return rncl_device_list_create(NULL, &list) ||
                   rncl_device_choose(list, getenv("RNCL_TEST_DEVICE"), &device) ||
                   rncl_context_create(device, NULL, &context)
               ? -1
               : 0;
}

static int close_device(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    rncl_device_list_destroy(list);
    return 0;
}

/* What the device finds there. */
static void expect_on_device(cl_mem buffer, float first)
{
    static float found[COUNT_OF_FLOATS];
    assert_int_equal(rncl_buffer_read(context, buffer, 0, sizeof found, found), RNCL_OK);
    for (int i = 0; i < COUNT_OF_FLOATS; i++)
        assert_true(found[i] == first + (float)i);
}

static void write_floats(float *memory, float first)
{
    for (int i = 0; i < COUNT_OF_FLOATS; i++)
        memory[i] = first + (float)i;
}

static void the_device_reads_what_the_host_has_written_each_time(void **state)
{
    (void)state;
    float *memory = rncl_host_memory_create(context, COUNT_OF_FLOATS * sizeof *memory);
    assert_non_null(memory);
    for (int turn = 0; turn < 3; turn++) {
        cl_mem buffer;
        write_floats(memory, (float)(1000 * turn));
        assert_int_equal(rncl_host_memory_lend(context, memory, &buffer), RNCL_OK);
        if (!buffer)
            break; /* a device with memory of its own */
        expect_on_device(buffer, (float)(1000 * turn));
        assert_int_equal(rncl_host_memory_take_back(context, memory), RNCL_OK);
        assert_int_equal(rncl_context_finish(context), RNCL_OK);
    }
    rncl_host_memory_destroy(context, memory);
}

static void a_cpu_reads_the_memory_in_place(void **state)
{
    (void)state;
    if (context->info.type != RNCL_DEVICE_CPU || context->info.emulator || !context->info.unified_memory)
        skip();
    float *memory = rncl_host_memory_create(context, COUNT_OF_FLOATS * sizeof *memory);
    cl_mem buffer, again;
    assert_int_equal(rncl_host_memory_lend(context, memory, &buffer), RNCL_OK);
    assert_non_null(buffer);
    assert_int_equal(rncl_host_memory_lend(context, memory, &again), RNCL_OK);
    assert_null(again); /* it is lent already */
    rncl_host_memory_destroy(context, memory);
}

static void other_memory_is_not_lent(void **state)
{
    (void)state;
    float own[4] = {0};
    float *results = rncl_host_memory_create_results(context, sizeof own);
    cl_mem buffer;
    assert_int_equal(rncl_host_memory_lend(context, own, &buffer), RNCL_OK);
    assert_null(buffer);
    assert_int_equal(rncl_host_memory_lend(context, results, &buffer), RNCL_OK);
    assert_null(buffer);
    rncl_host_memory_destroy(context, results);
    rncl_host_memory_destroy(context, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_reads_what_the_host_has_written_each_time),
        cmocka_unit_test(a_cpu_reads_the_memory_in_place),
        cmocka_unit_test(other_memory_is_not_lent),
    };
    return cmocka_run_group_tests_name("host memory", tests, open_device, close_device);
}
