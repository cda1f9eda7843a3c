/* Tests of the pretending layer. */
#include "program.h"

#define NETWORK "--arch cifar-resnet --depth 8 --image 8 --batch-size 4"

static void __attribute__((format(printf, 2, 3))) run_as(const char *environment, const char *format, ...)
{
    char all[1024], arguments_text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arguments_text, sizeof arguments_text, format, arguments);
    va_end(arguments);
    snprintf(all, sizeof all, "LD_PRELOAD=%s:%s RNCL_PRETEND_LOG=log " NOTHING_KEPT " %s", FAULT_LAYER,
             PRETEND_GPU, environment);
    run_in(all, "%s", arguments_text);
}

static void a_device_answers_as_the_gpu(void **state)
{
    (void)state;
    run_as("RNCL_PRETEND=xe_hpg", "devices --json");
    expect_status(0);
    json_t *document = expect_json();
    const json_t *device = json_array_get(json_object_get(document, "devices"), 0);
    assert_string_equal(json_string_value(json_object_get(device, "vendor")), "Intel(R) Corporation");
    assert_string_equal(json_string_value(json_object_get(device, "type")), "gpu");
    assert_int_equal(json_integer_value(json_object_get(device, "compute_units")), 512 / 16); /* cores */
    assert_int_equal(json_integer_value(json_object_get(device, "local_memory")), 64 << 10);
    json_decref(document);
}

static void a_gpu_that_is_not_in_the_table_is_refused(void **state)
{
    (void)state;
    run_as("RNCL_PRETEND=voodoo", "devices");
    expect_status(2);
    assert_non_null(strstr(result.errors, "not one of nvidia"));
}

static void a_device_that_rncl_cannot_use_is_refused_in_one_line(void **state)
{
    (void)state;
    const struct {
        const char *key, *reason;
    } refused[] = {
        {"old", "OpenCL before 1.2"},
        {"embedded", "embedded profile"},
        {"unavailable", "not available"},
        {"big_endian", "big-endian"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char environment[64];
        snprintf(environment, sizeof environment, "RNCL_PRETEND=%s", refused[i].key);
        run_as(environment, "train --depth 18");
        expect_status(3);
        const char *line = strstr(result.errors, "no usable OpenCL device; ");
        assert_non_null(line);
        assert_non_null(strstr(line, refused[i].reason));
        assert_ptr_equal(strchr(line, '\n'), result.errors + strlen(result.errors) - 1);
    }
}

static void a_device_without_fused_multiply_add_gets_no_fma(void **state)
{
    (void)state;
    run_as("RNCL_PRETEND=scalar RNCL_PRETEND_IDLE=1", "bench " NETWORK " --steps 1");
    expect_status(0);
}

static void a_program_with_doubles_is_refused_where_there_are_none(void **state)
{
    (void)state;
    shell("cp -r " RNCL_SOURCE
          "/kernels . && sed -i 's/__kernel void peak_fma/typedef double wide;\\n&/' kernels/peak.cl");
    run_as("RNCL_KERNELS=kernels RNCL_PRETEND=smallest RNCL_PRETEND_IDLE=1", "bench " NETWORK " --steps 1");
    expect_status(1);
    assert_non_null(strstr(result.errors, "peak.cl does not build"));
}

static void builds_and_launches_are_logged_without_being_run(void **state)
{
    (void)state;
    shell("rm -f log && mkdir -p sources");
    run_as("RNCL_PRETEND=nvidia RNCL_PRETEND_IDLE=1 RNCL_PRETEND_LAUNCHES=1 RNCL_PRETEND_SOURCES=sources",
           "bench " NETWORK " --steps 1");
    expect_status(0);
    shell("grep -Eq '^build 0 [0-9a-f]{16} ' log");
    /* All parameters in one launch, with its buffers. */
    shell("grep -Eq '^launch sgd_update [0-9]+ [0-9]+,1,1 [0-9]+,1,1 .* b[0-9]+' log");
    shell("grep -q '__kernel' sources/$(awk '/^build/{print $3; exit}' log).cl");
}

/* All convolutions use them, in fp32 by three products each. */
static void matrix_units_work_where_that_is_pretended(void **state)
{
    (void)state;
    shell("rm -f log");
    run_as("RNCL_PRETEND=nvidia RNCL_PRETEND_IDLE=1 RNCL_PRETEND_LAUNCHES=1 RNCL_PRETEND_UNITS=1",
           "bench " NETWORK " --steps 1");
    expect_status(0);
    shell("grep -q '^build .*-DPRODUCTS=3' log && ! grep -q '^launch conv_tiled' log");
    shell("grep -q '^launch conv_mma ' log");
    run_as("RNCL_PRETEND=nvidia RNCL_PRETEND_IDLE=1 RNCL_PRETEND_UNITS=1",
           "bench " NETWORK " --steps 1 --explain roof.png");
    expect_status(0);
    assert_non_null(strstr(result.output, "with matrix units"));
    shell("test -s roof.png");
}

/* Work-groups of 64 lanes each, too, are not larger than a GPU takes. */
static void the_units_of_every_maker_are_measured(void **state)
{
    (void)state;
    static const char *const gpus[] = {"cdna", "rdna", "xe_hpg", "xe_hpc"};
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++) {
        char environment_text[96];
        snprintf(environment_text, sizeof environment_text,
                 "RNCL_PRETEND=%s RNCL_PRETEND_IDLE=1 RNCL_PRETEND_UNITS=1", gpus[i]);
        run_as(environment_text, "bench " NETWORK " --steps 1 --precision bf16-operands");
        expect_status(0);
        assert_non_null(strstr(result.output, "with matrix units"));
    }
}

/* Convolutions of the network, for which filters are rounded; the fully connected layer is float32. */
static void matrix_units_multiply_tensors_of_bfloat16(void **state)
{
    (void)state;
    shell("rm -f log");
    run_as("RNCL_PRETEND=nvidia RNCL_PRETEND_IDLE=1 RNCL_PRETEND_LAUNCHES=1 RNCL_PRETEND_UNITS=1",
           "bench " NETWORK " --steps 1 --precision bf16");
    expect_status(0);
    shell("grep -q '^build .*-DUNIT=2.*-DBF16' log && grep -q '^launch conv_round_filter ' log");
    shell("grep '^build .*-DTM=' log | grep -vq -e '-DBF16' && ! grep '^build .*-DTM=' log | grep -q -e "
          "'-DBF16'");
}

/* GPUs with half alone store tensors so, and multiply floats; their gradients are divided by the loss's
 * scale. */
static void half_is_for_gpus_without_products_of_bfloat16(void **state)
{
    (void)state;
    static const struct {
        const char *gpu, *said;
    } refused[] = {{"RNCL_PRETEND=apple", "does not have half (cl_khr_fp16), fp32 is used"},
                   {"RNCL_PRETEND=cdna RNCL_PRETEND_UNITS=1", "multiplies bfloat16 (--precision bf16)"}};
    shell("rm -rf log cache");
    run_as("RNCL_PRETEND=vega8 RNCL_PRETEND_IDLE=1 RNCL_PRETEND_LAUNCHES=1",
           "bench " NETWORK " --steps 1 --precision fp16");
    expect_status(0);
    shell("grep -q '^build .*-DTM=.*-DFP16' log && ! grep -q -e '-DBF16' log");
    shell("grep -q '^launch unscale_gradients ' log && grep -q '^launch sgd_update ' log");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char environment_text[96];
        snprintf(environment_text, sizeof environment_text, "%s RNCL_PRETEND_IDLE=1", refused[i].gpu);
        run_as(environment_text, "bench " NETWORK " --steps 1 --precision fp16");
        expect_status(0);
        assert_non_null(strstr(result.errors, refused[i].said));
    }
}

/* The queries of a GPU fail one after the other, until one of them is that of `attribute`. */
static void expect_query_failure(const char *gpu, const char *attribute)
{
    enum { MOST_QUERIES = 60 };
    for (int query = 1; query <= MOST_QUERIES; query++) {
        char environment_text[128];
        snprintf(environment_text, sizeof environment_text,
                 "RNCL_PRETEND=%s RNCL_FAULT=clGetDeviceInfo:%d:-5", gpu, query);
        run_as(environment_text, "devices");
        if (!strstr(result.errors, attribute))
            continue;
        expect_failure(5, "clGetDeviceInfo of");
        return;
    }
    fail_msg("no failure names %s", attribute);
}

static void a_failed_query_of_an_attribute_is_an_error(void **state)
{
    (void)state;
    expect_query_failure("nvidia", "CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV");
    expect_query_failure("rdna", "CL_DEVICE_GFXIP_MAJOR_AMD");
    expect_query_failure("xe_hpg", "CL_DEVICE_SUB_GROUP_SIZES_INTEL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_answers_as_the_gpu),
        cmocka_unit_test(a_gpu_that_is_not_in_the_table_is_refused),
        cmocka_unit_test(a_device_that_rncl_cannot_use_is_refused_in_one_line),
        cmocka_unit_test(a_device_without_fused_multiply_add_gets_no_fma),
        cmocka_unit_test(a_program_with_doubles_is_refused_where_there_are_none),
        cmocka_unit_test(builds_and_launches_are_logged_without_being_run),
        cmocka_unit_test(matrix_units_work_where_that_is_pretended),
        cmocka_unit_test(the_units_of_every_maker_are_measured),
        cmocka_unit_test(matrix_units_multiply_tensors_of_bfloat16),
        cmocka_unit_test(half_is_for_gpus_without_products_of_bfloat16),
        cmocka_unit_test(a_failed_query_of_an_attribute_is_an_error),
    };
    return cmocka_run_group_tests_name("pretending layer", tests, create_folder, remove_folder);
}
