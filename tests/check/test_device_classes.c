/* Runs the defaults of other device classes on this device, where their results must be right too. Of
 * convolutions only those of the fully connected layer are run, and those on matrix units, which are
 * emulated; test_check.c has every algorithm. RNCL_TEST_DEVICE, RNCL_TEST_SHAPES and RNCL_TEST_WORK as there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check.h"
#include "matrix_unit.h"
#include "util.h"

/* Programs for emulated units are compiled without optimisation: their shapes are small. */
enum { SHAPES = 2, WORK = 300000, UNIT_WORK = 30000 };

typedef struct device_kind {
    const char *operation;
    rncl_device_class class;
    rncl_gpu_family family;
    const char *unit, *algorithm;
    bool streams; /* all results are written by non-temporal stores, as large ones are */
} device_kind;

#define DEVICE(NAME, OPERATION, CLASS, ...)                                                                  \
    static const device_kind NAME = {.operation = (OPERATION), .class = RNCL_CLASS_##CLASS, __VA_ARGS__}

DEVICE(batchnorm_on_gpu, "batchnorm", GPU, .family = RNCL_GPU_OTHER);
DEVICE(softmax_on_gpu, "softmax", GPU, .family = RNCL_GPU_OTHER);
DEVICE(convolution_on_large_gpu, "linear", GPU, .family = RNCL_GPU_NVIDIA);
DEVICE(convolution_without_vectors, "linear", SCALAR, .family = RNCL_GPU_OTHER);
DEVICE(convolution_on_accelerator, "linear", ACCELERATOR, .family = RNCL_GPU_OTHER);
DEVICE(batchnorm_on_accelerator, "batchnorm", ACCELERATOR, .family = RNCL_GPU_OTHER);
DEVICE(batchnorm_of_large_tensors, "batchnorm", CPU_VECTOR, .family = RNCL_GPU_OTHER, .streams = true);
DEVICE(batchnorm_with_units, "batchnorm", GPU, .family = RNCL_GPU_OTHER, .unit = "nvidia-tf32");
DEVICE(convolution_with_units, "conv", GPU, .family = RNCL_GPU_OTHER, .unit = "nvidia-tf32",
       .algorithm = "mma");

static rncl_device_list *devices;
static const rncl_device *device;

static int choose_device(void **state)
{
    (void)state;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

static int release_devices(void **state)
{
    (void)state;
    rncl_device_list_destroy(devices);
    return 0;
}

/* user: counts results with sums of a batch normalisation's gradient. */
static void hear(void *user, const rncl_check_result *result)
{
    *(int *)user += strstr(result->name, "gradient sums") != NULL;
    if (!result->ok)
        print_error("%s: error %.3g, tolerance %.3g\n", result->name, result->error, result->tolerance);
}

static int number_from(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? (int)MIN(strtol(text, NULL, 10), otherwise) : otherwise;
}

static void operation_matches_the_reference(void **state)
{
    const device_kind *kind = *state;
    int sums = 0;
    const rncl_check_options options = {
        .filter = kind->operation,
        .algorithm = kind->algorithm,
        .seed = 2,
        .shapes = number_from("RNCL_TEST_SHAPES", SHAPES),
        .work = (size_t)number_from("RNCL_TEST_WORK", kind->unit ? UNIT_WORK : WORK),
        .report = hear,
        .user = &sums,
    };
    rncl_context *context;
    rncl_check_summary summary = {0};
    assert_int_equal(rncl_context_create(device, NULL, &context), RNCL_OK);
    context->device_class = kind->class;
    context->gpu.family = kind->family;
    if (kind->streams)
        context->traits.streamed_bytes = 0;
    if (kind->unit)
        assert_true(rncl_matrix_unit_emulate(context, kind->unit));
    rncl_status st = rncl_check_run(context, &options, &summary);
    rncl_context_destroy(context);
    if (st)
        fail_msg("%s", rncl_status_message());
    assert_int_equal(summary.failed, 0);
    assert_true(summary.passed > 0);
    /* Of these convolutions only those of matrix units leave any. */
    assert_int_equal(sums > 0, kind->unit != NULL || !strcmp(kind->operation, "batchnorm"));
}

#define KIND(what, kind)                                                                                     \
    {                                                                                                        \
        .name = what, .test_func = operation_matches_the_reference, .initial_state = (void *)&(kind)         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIND("batchnorm_as_on_gpus_matches_the_reference", batchnorm_on_gpu),
        KIND("softmax_as_on_gpus_matches_the_reference", softmax_on_gpu),
        KIND("convolution_as_on_large_gpus_matches_the_reference", convolution_on_large_gpu),
        KIND("convolution_as_without_vectors_matches_the_reference", convolution_without_vectors),
        KIND("convolution_as_on_accelerators_matches_the_reference", convolution_on_accelerator),
        KIND("batchnorm_as_on_accelerators_matches_the_reference", batchnorm_on_accelerator),
        KIND("batchnorm_of_large_tensors_matches_the_reference", batchnorm_of_large_tensors),
        KIND("batchnorm_with_given_sums_matches_the_reference", batchnorm_with_units),
        KIND("convolution_that_leaves_sums_matches_the_reference", convolution_with_units),
    };
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
