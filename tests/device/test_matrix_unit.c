/* Matrix units: the probe on emulated units, and what happens where there is none. RNCL_TEST_DEVICE as in
 * test_device.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <cmocka.h>

#include "context.h"
#include "kernel_binaries.h"

static rncl_device_list *devices;
static const rncl_device *device;
static char folder[] = "/tmp/rncl-matrix-unit-XXXXXX";

/* Everything that was logged at note or above. */
typedef struct remarks {
    char text[4096];
    int lines, warnings;
} remarks;

static void hear(void *user, rncl_log_level level, const char *line)
{
    remarks *r = user;
    if (level > RNCL_LOG_NOTE)
        return;
    const size_t length = strlen(r->text);
    snprintf(r->text + length, sizeof r->text - length, "%s\n", line);
    r->lines++;
    r->warnings += level == RNCL_LOG_WARNING;
}

static int set_up(void **state)
{
    (void)state;
    unsetenv("RNCL_MATRIX_UNIT");
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1) || rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    rncl_device_list_destroy(devices);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static rncl_context *open_context(remarks *heard)
{
    rncl_context *context;
    const rncl_log log = {.write = hear, .user = heard};
    *heard = (remarks){0};
    assert_int_equal(rncl_context_create(device, &log, &context), RNCL_OK);
    return context;
}

static void every_emulated_unit_passes_the_probe(void **state)
{
    (void)state;
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++) {
        remarks heard;
        rncl_context *context = open_context(&heard);
        context->precision = unit->rounds_to;
        if (!rncl_matrix_unit_emulate(context, unit->name))
            fail_msg("%s: %s", unit->name, heard.text);
        assert_ptr_equal(rncl_matrix_unit_of(context), unit);
        rncl_context_destroy(context);
    }
    assert_true(unit == NULL);
}

/* The device says that it is an NVIDIA GPU, but its compiler does not know the instruction. */
static void a_unit_that_does_not_work_is_said_once(void **state)
{
    (void)state;
    for (int run = 0; run < 2; run++) {
        remarks heard;
        rncl_context *context = open_context(&heard);
        if (device->info.type == RNCL_DEVICE_GPU) {
            rncl_context_destroy(context);
            skip();
        }
        context->gpu = (rncl_gpu){.family = RNCL_GPU_NVIDIA, .major = 9};
        assert_null(rncl_matrix_unit_of(context));
        assert_null(rncl_matrix_unit_of(context));
        rncl_context_destroy(context);
        if (run == 0)
            assert_non_null(strstr(heard.text, "matrix unit nvidia-tf32 is not used: "));
        assert_int_equal(heard.lines, run == 0);
        assert_int_equal(heard.warnings, 0);
    }
}

/* Without a queue nothing can be computed, which says nothing about the unit. */
static void a_probe_that_cannot_be_done_is_a_warning_and_not_remembered(void **state)
{
    (void)state;
    for (int run = 0; run < 3; run++) {
        const bool possible = run == 2;
        remarks heard;
        rncl_context *context = open_context(&heard);
        context->precision = RNCL_PRECISION_BF16;
        cl_command_queue queue = context->queue;
        if (!possible)
            context->queue = NULL;
        assert_int_equal(rncl_matrix_unit_emulate(context, "intel-bf16-8"), possible);
        context->queue = queue;
        assert_int_equal(heard.warnings, !possible);
        assert_int_equal(heard.lines, !possible);
        if (!possible)
            assert_non_null(strstr(heard.text, "matrix unit intel-bf16-8 is not used this time: "));
        rncl_context_destroy(context);
    }
}

/* Programs that were made ahead of time may lack the probe. */
static void a_probe_that_a_folder_of_programs_lacks_is_not_remembered(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    for (int run = 0; run < 2; run++) {
        remarks heard;
        rncl_context *context = open_context(&heard);
        context->precision = RNCL_PRECISION_BF16;
        if (run == 0) {
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            fprintf(file,
                    "{\"format\": %d, \"programs\": [], \"device\": {\"name\": \"%s\", \"platform\": "
                    "\"%s\", \"driver\": \"%s\"}}\n",
                    RNCL_KERNELS_FORMAT, context->info.name, context->info.platform, context->info.driver);
            fclose(file);
            assert_int_equal(rncl_kernel_binaries_use(context, folder), RNCL_OK);
        }
        assert_int_equal(rncl_matrix_unit_emulate(context, "intel-bf16-8"), run == 1);
        rncl_context_destroy(context);
    }
}

static void without_a_unit_a_precision_is_fp32_and_that_is_said(void **state)
{
    (void)state;
    remarks heard;
    rncl_context *context = open_context(&heard);
    context->gpu = (rncl_gpu){0};
    rncl_precision_request(context, RNCL_PRECISION_TF32);
    assert_int_equal(context->precision, RNCL_PRECISION_FP32);
    assert_non_null(strstr(heard.text, "precision tf32: "));
    assert_int_equal(heard.lines, 1);
    rncl_context_destroy(context);
}

/* Tensors of bfloat16 need kernels and no matrix unit. */
static void tensors_of_bfloat16_are_for_cpus_and_gpus(void **state)
{
    (void)state;
    for (rncl_device_class class = 0; class < RNCL_CLASSES; class ++) {
        remarks heard;
        rncl_context *context = open_context(&heard);
        const bool stored = class == RNCL_CLASS_CPU_VECTOR || class == RNCL_CLASS_GPU;
        context->device_class = class;
        rncl_precision_request(context, RNCL_PRECISION_BF16_TENSORS);
        assert_int_equal(context->precision, stored ? RNCL_PRECISION_BF16_TENSORS : RNCL_PRECISION_FP32);
        assert_int_equal(heard.lines, 1);
        assert_non_null(strstr(heard.text, stored ? "precision bf16: tensors" : "precision bf16: "));
        rncl_context_destroy(context);
    }
}

static void fp32_is_never_made_of_bfloat16(void **state)
{
    (void)state;
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++) {
        if (unit->rounds_to == RNCL_PRECISION_BF16_TENSORS)
            continue;
        const bool rounds_much = unit->rounds_to == RNCL_PRECISION_BF16;
        assert_int_equal(rncl_matrix_unit_serves(unit, RNCL_PRECISION_FP32), !rounds_much);
        assert_int_equal(rncl_matrix_unit_serves(unit, RNCL_PRECISION_TF32), !rounds_much);
        assert_true(rncl_matrix_unit_serves(unit, RNCL_PRECISION_BF16));
        assert_int_equal(rncl_matrix_unit_products(unit, RNCL_PRECISION_FP32),
                         unit->rounds_to == RNCL_PRECISION_TF32 ? 3 : 1);
        assert_int_equal(rncl_matrix_unit_products(unit, RNCL_PRECISION_BF16), 1);
    }
}

static void the_environment_emulates_or_switches_off(void **state)
{
    (void)state;
    remarks heard;
    rncl_context *context = open_context(&heard);
    setenv("RNCL_MATRIX_UNIT", "nvidia-bf16", 1);
    rncl_precision_request(context, RNCL_PRECISION_BF16);
    assert_string_equal(rncl_matrix_unit_of(context)->name, "nvidia-bf16");
    rncl_context_destroy(context);
    context = open_context(&heard);
    setenv("RNCL_MATRIX_UNIT", "off", 1);
    context->gpu = (rncl_gpu){.family = RNCL_GPU_NVIDIA, .major = 9};
    assert_null(rncl_matrix_unit_of(context));
    assert_int_equal(heard.lines, 0);
    rncl_context_destroy(context);
    context = open_context(&heard);
    setenv("RNCL_MATRIX_UNIT", "nvidia", 1);
    assert_null(rncl_matrix_unit_of(context));
    assert_non_null(strstr(heard.text, "RNCL_MATRIX_UNIT=nvidia: no such unit"));
    rncl_context_destroy(context);
    unsetenv("RNCL_MATRIX_UNIT");
}

static void units_of_cpus_are_for_tensors_of_bfloat16_only(void **state)
{
    (void)state;
    const rncl_matrix_unit *unit;
    int of_cpus = 0;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++) {
        const bool of_cpu = unit->rounds_to == RNCL_PRECISION_BF16_TENSORS;
        for (rncl_precision precision = 0; precision < RNCL_PRECISION_BF16_TENSORS; precision++)
            assert_false(of_cpu && rncl_matrix_unit_serves(unit, precision));
        assert_int_equal(rncl_matrix_unit_serves(unit, RNCL_PRECISION_BF16_TENSORS),
                         of_cpu || unit->rounds_to == RNCL_PRECISION_BF16);
        of_cpus += of_cpu;
    }
    assert_int_equal(of_cpus, 2);
}

/* The unit of this CPU, of which /proc/cpuinfo says avx512_bf16 or, on ARM, bf16; NULL: it has none. */
static const char *unit_of_cpu(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16") ? "x86-bf16" : NULL;
#elif defined(__aarch64__) && defined(__linux__)
    return getauxval(AT_HWCAP2) & HWCAP2_BF16 ? "arm-bf16" : NULL;
#else
    return NULL;
#endif
}

static void a_cpu_with_the_instruction_multiplies_pairs(void **state)
{
    (void)state;
    remarks heard;
    if (device->info.type != RNCL_DEVICE_CPU || device->info.emulator || !unit_of_cpu())
        skip();
    for (int hidden = 0; hidden < 2; hidden++) {
        rncl_context *context = open_context(&heard);
        if (hidden)
            setenv("RNCL_MATRIX_UNIT", "off", 1);
        rncl_precision_request(context, RNCL_PRECISION_BF16_TENSORS);
        const rncl_matrix_unit *unit = rncl_matrix_unit_of(context);
        unsetenv("RNCL_MATRIX_UNIT");
        assert_int_equal(context->precision, RNCL_PRECISION_BF16_TENSORS);
        assert_null(strstr(heard.text, "is not used"));
        assert_int_equal(unit == NULL, hidden || strncmp(device->info.driver, "3.", 2) != 0);
        if (unit)
            assert_string_equal(unit->name, unit_of_cpu());
        assert_false(context->matrix.emulated);
        rncl_context_destroy(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_emulated_unit_passes_the_probe),
        cmocka_unit_test(a_unit_that_does_not_work_is_said_once),
        cmocka_unit_test(a_probe_that_cannot_be_done_is_a_warning_and_not_remembered),
        cmocka_unit_test(a_probe_that_a_folder_of_programs_lacks_is_not_remembered),
        cmocka_unit_test(without_a_unit_a_precision_is_fp32_and_that_is_said),
        cmocka_unit_test(tensors_of_bfloat16_are_for_cpus_and_gpus),
        cmocka_unit_test(fp32_is_never_made_of_bfloat16),
        cmocka_unit_test(units_of_cpus_are_for_tensors_of_bfloat16_only),
        cmocka_unit_test(a_cpu_with_the_instruction_multiplies_pairs),
        cmocka_unit_test(the_environment_emulates_or_switches_off),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
