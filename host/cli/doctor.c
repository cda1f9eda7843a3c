/* rncl doctor */
#include "doctor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary_cache.h"
#include "check.h"
#include "command.h"
#include "store.h"
#include "util.h"

void rncl_doctor_say(const char *label, const char *advice, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%-10s ", label);
    vprintf(format, arguments);
    printf("%s%s\n", *advice ? "\n           -> " : "", advice);
    va_end(arguments);
}

/* ---- devices ---- */

static rncl_status tell_device(const rncl_doctor *d, const rncl_device *device)
{
    static const char *const classes[RNCL_CLASSES] = {[RNCL_CLASS_CPU_VECTOR] = "a CPU with vectors",
                                                      [RNCL_CLASS_GPU] = "a GPU",
                                                      [RNCL_CLASS_SCALAR] = "a device without vectors"};
    const rncl_device_info *info = &device->info;
    rncl_store *store;
    RNCL_TRY(rncl_store_open(info, RNCL_PRECISION_FP32, &d->console.log, &store));
    const size_t tuned = rncl_store_count(store);
    rncl_store_close(store);
    rncl_doctor_say("device",
                    info->compiler ? "" : "without a compiler, kernels have to be built ahead of time",
                    "%d: %s, %s %s", info->number, info->name, info->platform, info->driver);
    printf("%11streated as %s%s%s; vectors of %u floats, %s; work-groups of %zu, %llu KiB of local memory\n",
           "", classes[rncl_device_class_of(info)], device->gpu.family ? " of the family " : "",
           device->gpu.family ? rncl_gpu_family_name(device->gpu.family) : "", info->vector_width,
           info->fma ? "fused multiply-add" : "no fused multiply-add", info->max_work_group_size,
           (unsigned long long)info->local_memory >> 10);
    printf("%11s%zu kernels are tuned%s\n", "", tuned, tuned ? "" : "; `rncl tune` finds faster settings");
    return RNCL_OK;
}

static rncl_status tell_devices(rncl_doctor *d, const rncl_device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        RNCL_TRY(tell_device(d, &list->devices[i]));
    if (list->skipped[0])
        rncl_doctor_say("device", "", "left out: %s", list->skipped);
    return RNCL_OK;
}

/* ---- cache ---- */

static void tell_cache(rncl_doctor *d)
{
    char *path = rncl_cache_path("doctor", true);
    const int file = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        close(file);
        unlink(path);
        *strrchr(path, '/') = '\0';
        rncl_doctor_say("cache", "", "%s can be written", path);
    } else {
        const char *home = getenv("HOME");
        rncl_doctor_say("cache", "set HOME, or XDG_CACHE_HOME, to a folder that you may write to",
                        "no place for compiled programs (HOME is %s): every run compiles anew",
                        home && *home ? home : "not set");
        d->problems++;
    }
    free(path);
}

/* ---- self-test ---- */

/* Batch normalisation and the fully connected layer, which is a convolution, at small shapes. */
static rncl_status test_device(rncl_doctor *d, const rncl_device *device)
{
    static const char *const operations[] = {"batchnorm", "linear"};
    enum { SMALL = 20000 };
    rncl_context *context;
    rncl_check_summary summary = {0};
    RNCL_TRY(rncl_context_create(device, &d->console.log, &context));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < COUNT(operations) && !st; i++)
        st = rncl_check_run(context, &(rncl_check_options){.work = SMALL, .filter = operations[i]}, &summary);
    rncl_context_destroy(context);
    if (!st)
        rncl_doctor_say("self-test", "", "device %d: right", device->info.number);
    else
        rncl_doctor_say("self-test", "update the driver, and see what `rncl check` says", "device %d: %s",
                        device->info.number, rncl_status_message());
    d->problems += st != RNCL_OK;
    return RNCL_OK;
}

static rncl_status examine(rncl_doctor *d, const rncl_device_list *list)
{
    const rncl_device *device;
    RNCL_TRY(rncl_doctor_drivers(d, list));
    rncl_doctor_machine(d, list);
    RNCL_TRY(tell_devices(d, list));
    tell_cache(d);
    RNCL_TRY(rncl_device_choose(list, d->options->device, &device));
    RNCL_TRY(test_device(d, device));
    if (d->problems)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "%d problem%s found; what to do stands behind each arrow",
                         d->problems, d->problems > 1 ? "s" : "");
    puts("all well     `rncl train` may begin");
    return RNCL_OK;
}

rncl_status rncl_doctor_run(rncl_options *options)
{
    rncl_doctor d = {.options = options};
    rncl_console_init(&d.console, options);
    rncl_device_list *list, none = {0};
    const rncl_status found = rncl_device_list_create(NULL, &list);
    if (found) {
        rncl_doctor_say("device", "update the driver of this device, or remove its .icd file", "%s",
                        rncl_status_message());
        d.problems++;
    }
    const rncl_status st = examine(&d, found ? &none : list);
    rncl_device_list_destroy(list);
    return st;
}
