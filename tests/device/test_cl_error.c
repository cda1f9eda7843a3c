/* Failed OpenCL calls as statuses and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cl_error.h"

static void success_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(rncl_cl_status(CL_SUCCESS, "clFinish", "the queue"), RNCL_OK);
}

static void a_message_names_call_object_error_and_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(rncl_cl_status(-4, "clCreateBuffer", "%d MiB", 3), RNCL_ERR_DEVICE_MEMORY);
    assert_string_equal(
        rncl_status_message(),
        "clCreateBuffer of 3 MiB: CL_MEM_OBJECT_ALLOCATION_FAILURE (-4): the device has no memory "
        "left: lower --batch-size or --micro-batch, or end what else uses the device");
    assert_int_equal(rncl_cl_status(-2, "clFinish", "q"), RNCL_ERR_DEVICE);
    assert_int_equal(rncl_cl_status(-6, "clFinish", "q"), RNCL_ERR_MEMORY);
    assert_int_equal(rncl_cl_status(-11, "clBuildProgram", "q"), RNCL_ERR_BUILD);
    assert_int_equal(rncl_cl_status(-54, "clEnqueueNDRangeKernel", "q"), RNCL_ERR_DRIVER);
    assert_non_null(strstr(rncl_status_message(), "--retune"));
}

static void every_error_has_a_name_and_advice(void **state)
{
    (void)state;
    for (int code = -1; code >= -72; code--) {
        if (code < -19 && code > -30)
            continue; /* code that OpenCL does not use */
        assert_int_equal(strncmp(rncl_cl_error_name(code), "CL_", 3), 0);
        assert_int_not_equal(rncl_cl_status(code, "call", "object"), RNCL_OK);
        const char *name = strstr(rncl_status_message(), rncl_cl_error_name(code));
        assert_non_null(name);
        const char *advice = strstr(name, "): ");
        assert_true(advice && strlen(advice) > 20);
    }
    assert_string_equal(rncl_cl_error_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(rncl_cl_error_name(-1057), "CL_DEVICE_PARTITION_FAILED_EXT");
}

static void an_unknown_error_keeps_its_number(void **state)
{
    (void)state;
    assert_int_equal(rncl_cl_status(-4242, "clFinish", "the queue"), RNCL_ERR_DRIVER);
    assert_non_null(strstr(rncl_status_message(), "(-4242)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_is_no_failure),
        cmocka_unit_test(a_message_names_call_object_error_and_what_to_do),
        cmocka_unit_test(every_error_has_a_name_and_advice),
        cmocka_unit_test(an_unknown_error_keeps_its_number),
    };
    return cmocka_run_group_tests_name("OpenCL errors", tests, NULL, NULL);
}
