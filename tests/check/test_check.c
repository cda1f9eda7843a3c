/* Every operation against the host reference on a real device. RNCL_TEST_DEVICE chooses the device,
 * RNCL_TEST_SHAPES and RNCL_TEST_WORK the amount of work, since emulators are slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check.h"
#include "util.h"

static rncl_device_list *devices;
static const rncl_device *device;
static rncl_context *context; /* one, since operations share programs */

static long number_from(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static int choose_device(void **state)
{
    (void)state;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device) ||
        rncl_context_create(device, NULL, &context)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    print_message("on %s (%s)\n", device->info.name, device->info.platform);
    return 0;
}

static int release_devices(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    rncl_device_list_destroy(devices);
    return 0;
}

static void print_failure(void *user, const rncl_check_result *result)
{
    (void)user;
    if (!result->ok)
        print_error("%s: error %.3g, tolerance %.3g\n", result->name, result->error, result->tolerance);
}

static void expect_right(const char *name, const char *algorithm)
{
    const rncl_check_options options = {
        .seed = 1,
        .shapes = (int)number_from("RNCL_TEST_SHAPES", 14),
        .work = (size_t)number_from("RNCL_TEST_WORK", 1000000),
        .filter = name,
        .algorithm = algorithm,
        .report = print_failure,
    };
    rncl_check_summary summary;
    if (rncl_check_run(context, &options, &summary))
        fail_msg("%s", rncl_status_message());
    assert_int_equal(summary.failed, 0);
    assert_true(summary.passed >= options.shapes);
}

/* All algorithms. */
static void expect_all_right(const char *name)
{
    expect_right(name, NULL);
}

/* A CPU's driver takes minutes to compile the algorithms for GPUs: test_tiled.c and test_staged_winograd.c
 * have it do so, and pretended devices, which compile without optimisation, run all that they can at random
 * shapes (tests/gpu). */
static void convolution_matches_the_reference(void **state)
{
    (void)state;
    if (rncl_device_class_of(&device->info) != RNCL_CLASS_CPU_VECTOR || getenv("RNCL_PRETEND")) {
        expect_all_right("conv");
        return;
    }
    expect_right("conv", "direct");
    expect_right("conv", "winograd");
    expect_right("conv", "im2col_gemm");
}

static void batchnorm_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("batchnorm");
}

static void maxpool_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("maxpool");
}

static void avgpool_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("avgpool");
}

static void linear_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("linear");
}

static void softmax_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("softmax");
}

static void sgd_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("sgd");
}

static void averages_match_the_reference(void **state)
{
    (void)state;
    expect_all_right("ema");
}

static void mixup_matches_the_reference(void **state)
{
    (void)state;
    expect_all_right("mixup");
}

static void an_operation_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    rncl_check_summary summary;
    const rncl_check_options options = {.shapes = 1, .work = 1000, .filter = "convolution"};
    assert_int_equal(rncl_check_run(context, &options, &summary), RNCL_ERR_USAGE);
}

static void no_shape_small_enough_is_refused(void **state)
{
    (void)state;
    rncl_check_summary summary;
    const rncl_check_options options = {.shapes = 1, .work = 0, .filter = "avgpool"};
    assert_int_equal(rncl_check_run(context, &options, &summary), RNCL_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_matches_the_reference),
        cmocka_unit_test(batchnorm_matches_the_reference),
        cmocka_unit_test(maxpool_matches_the_reference),
        cmocka_unit_test(avgpool_matches_the_reference),
        cmocka_unit_test(linear_matches_the_reference),
        cmocka_unit_test(softmax_matches_the_reference),
        cmocka_unit_test(sgd_matches_the_reference),
        cmocka_unit_test(averages_match_the_reference),
        cmocka_unit_test(mixup_matches_the_reference),
        cmocka_unit_test(an_operation_that_does_not_exist_is_refused),
        cmocka_unit_test(no_shape_small_enough_is_refused),
    };
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
