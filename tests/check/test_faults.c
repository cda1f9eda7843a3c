/* The harness itself: kernels with planted faults must be found wrong. Not for Oclgrind, which would report
 * the faults too. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "file.h"
#include "kernel_sources.h"
#include "util.h"

static rncl_device_list *devices;
static const rncl_device *device;

static int choose_device(void **state)
{
    (void)state;
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    print_message("on %s (%s)\n", device->info.name, device->info.platform);
    return 0;
}

static int release_devices(void **state)
{
    (void)state;
    rncl_device_list_destroy(devices);
    return 0;
}

/* In a context of its own. */
static rncl_status check(const rncl_check_options *options, rncl_check_summary *summary)
{
    rncl_context *context;
    *summary = (rncl_check_summary){0};
    RNCL_TRY(rncl_context_create(device, NULL, &context));
    rncl_status st = rncl_check_run(context, options, summary);
    rncl_context_destroy(context);
    return st;
}

/* A mistake in a kernel, and the words with which the harness should report it. */
typedef struct planted_fault {
    const char *operation, *file, *from, *to, *message;
} planted_fault;

static const planted_fault wrong_constant = {
    "batchnorm", "batchnorm.cl", "RNCL_BATCHNORM_MOMENTUM * (mean", "0.11f * (mean", "running_mean",
};
static const planted_fault write_past_the_end = {
    "avgpool",
    "avgpool.cl",
    "if (i >= shape.n * shape.c)",
    "if (i > shape.n * shape.c)",
    "y: memory outside it was written",
};
static const planted_fault write_before_the_start = {
    "avgpool",
    "avgpool.cl",
    "VSTORE(total / (float)pixels, y + i)",
    "VSTORE(total / (float)pixels, y + i); if (i == 0) y[-1] = 0.0f",
    "y: memory outside it was written",
};
static const planted_fault value_left_unwritten = {
    "maxpool",
    "maxpool.cl",
    "VSTORE(sum, dx + i)",
    "if (i) VSTORE(sum, dx + i)",
    "dx: holds values that are not numbers",
};
static const planted_fault ignored_accumulation = {
    "avgpool", "avgpool.cl", "accumulate ? VLOAD(dx + i) + value : value", "value", "dx",
};
static const planted_fault overwritten_input = {
    "sgd",
    "sgd.cl",
    "VSTORE(v, velocity + i);",
    "VSTORE(v, velocity + i); VSTORE(v, (__global float *)gradient + i);",
    "dweight: was changed by a pass that only reads it",
};
static const planted_fault late_read_of_y = {
    "batchnorm",
    "batchnorm.cl",
    "RESIDUAL == RNCL_RESIDUAL_NONE ? fma(*centred, *scale, VLOAD(bias)) : VLOAD(y + at)",
    "VLOAD(y + at)",
    "training",
};
static const planted_fault last_maximum_instead_of_first = {
    "maxpool", "maxpool.cl", "isgreater(value, best)", "isgreaterequal(value, best)", "integers",
};

static const planted_fault partner_in_another_micro_batch = {
    "softmax", "softmax.cl", "labels[first + shape.n - 1 - n]", "labels[shape.n - 1 - n]", "mix",
};

/* `text` with the first `from` replaced; NULL if there is none. Caller frees. */
static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    return at ? rncl_text_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) : NULL;
}

/* Writes a file and the folder that it is in. */
static void write_file(const char *path, const char *text)
{
    char *folder = strdup(path);
    assert_non_null(folder);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(rncl_directory_create(folder), RNCL_OK);
    assert_int_equal(rncl_file_write(path, text, strlen(text)), RNCL_OK);
    free(folder);
}

/* The kernels with the fault in `folder`. */
static void write_kernels(const char *folder, const planted_fault *fault)
{
    for (size_t i = 0; i < rncl_kernel_source_count; i++) {
        const rncl_kernel_source *source = &rncl_kernel_sources[i];
        bool faulty = !strcmp(source->name, fault->file);
        char *text = faulty ? replace(source->text, fault->from, fault->to) : strdup(source->text);
        char *path = rncl_path_join(folder, source->name);
        if (!text)
            fail_msg("%s no longer says \"%s\": plant another fault", fault->file, fault->from);
        assert_non_null(path);
        write_file(path, text);
        free(text);
        free(path);
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *level)
{
    (void)status, (void)type, (void)level;
    return remove(path);
}

/* Broken kernels are built from a folder of their own, which is also the cache of their binaries. */
static void a_planted_fault_is_found(void **state)
{
    const planted_fault *fault = *state;
    if (device->info.emulator)
        skip(); /* it reports the fault itself */
    char folder[] = "/tmp/rncl-check-XXXXXX";
    assert_non_null(mkdtemp(folder));
    write_kernels(folder, fault);
    char *cache = getenv("XDG_CACHE_HOME") ? strdup(getenv("XDG_CACHE_HOME")) : NULL;
    setenv("RNCL_KERNELS", folder, 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    rncl_check_summary summary;
    const rncl_check_options options = {.seed = 1, .shapes = 20, .work = 1000, .filter = fault->operation};
    rncl_status st = check(&options, &summary);
    unsetenv("RNCL_KERNELS");
    unsetenv("XDG_CACHE_HOME");
    if (cache)
        setenv("XDG_CACHE_HOME", cache, 1);
    free(cache);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(st, RNCL_ERR_WRONG_RESULT);
    assert_true(summary.failed > 0);
    if (!strstr(rncl_status_message(), fault->message))
        fail_msg("\"%s\" does not speak of \"%s\"", rncl_status_message(), fault->message);
}

#define FAULT(row)                                                                                           \
    {                                                                                                        \
        "a planted fault is found: " #row, a_planted_fault_is_found, NULL, NULL, (void *)&(row)              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT(wrong_constant),
        FAULT(write_past_the_end),
        FAULT(write_before_the_start),
        FAULT(value_left_unwritten),
        FAULT(ignored_accumulation),
        FAULT(overwritten_input),
        FAULT(late_read_of_y),
        FAULT(last_maximum_instead_of_first),
        FAULT(partner_in_another_micro_batch),
    };
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
