/* rncl doctor */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary_cache.h"
#include "check.h"
#include "command.h"
#include "console.h"
#include "driver_files.h"
#include "store.h"
#include "util.h"

/* Lines are a label and what is known; what should be done about it stands below, after an arrow. */
enum { ADVICE = 256 };

typedef struct doctor {
    rncl_console console;
    const rncl_options *options;
    int problems;
} doctor;

static void __attribute__((format(printf, 3, 4)))
say(const char *label, const char *advice, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%-10s ", label);
    vprintf(format, arguments);
    printf("%s%s\n", *advice ? "\n           -> " : "", advice);
    va_end(arguments);
}

/* ---- drivers ---- */

/* What provides OpenCL, by the file that a distribution's package manager has. */
static const char *package_advice(void)
{
    static const struct {
        const char *program, *advice;
    } managers[] = {
        {"/usr/bin/apt-get",
         "apt install pocl-opencl-icd (CPU), intel-opencl-icd (Intel GPU), mesa-opencl-icd (AMD "
         "GPU, or AMD's rocm-opencl-runtime); NVIDIA's driver brings its own: nvidia-opencl-icd"},
        {"/usr/bin/dnf",
         "dnf install pocl (CPU), intel-compute-runtime (Intel GPU), rocm-opencl (AMD GPU); NVIDIA's "
         "driver: xorg-x11-drv-nvidia-cuda of RPM Fusion"},
        {"/usr/bin/pacman",
         "pacman -S pocl (CPU), intel-compute-runtime (Intel GPU), rocm-opencl-runtime (AMD GPU), "
         "opencl-nvidia (NVIDIA GPU)"},
        {"/usr/bin/zypper",
         "zypper install pocl (CPU), intel-opencl (Intel GPU); AMD's and NVIDIA's come from their "
         "makers' repositories"},
    };
    for (size_t i = 0; i < COUNT(managers); i++)
        if (!access(managers[i].program, X_OK))
            return managers[i].advice;
    return "install a driver: PoCL for CPUs, else that of the GPU's maker; macOS has one, Android's vendors "
           "have "
           "libOpenCL.so in /vendor/lib64";
}

static rncl_status tell_drivers(doctor *d)
{
    rncl_driver_file *files;
    size_t count;
    RNCL_TRY(rncl_driver_files_list(&files, &count));
    if (count == 0) {
        say("drivers", package_advice(), "none: %s has no .icd file", rncl_driver_folder());
        d->problems++;
    }
    for (size_t i = 0; i < count; i++) {
        const rncl_driver_file *file = &files[i];
        const bool broken = file->problem[0];
        char advice[ADVICE] = "";
        if (broken)
            snprintf(advice, sizeof advice, "install the driver's package again, or remove %.100s/%.100s",
                     rncl_driver_folder(), file->name);
        say("drivers", advice, "%s: %s%s%s", file->name, file->library, broken ? ": " : ", loads",
            file->problem);
        d->problems += broken;
    }
    free(files);
    return RNCL_OK;
}

/* ---- permissions ---- */

static void tell_node(doctor *d, const char *path)
{
    const int opened = open(path, O_RDWR | O_CLOEXEC);
    if (opened >= 0) {
        close(opened);
        say("access", "", "%s can be opened", path);
        return;
    }
    const bool denied = errno == EACCES || errno == EPERM;
    say("access",
        denied ? "usermod -a -G render,video YOUR_NAME as root, then log in anew; in a container pass the "
                 "device on"
               : "see the system's log: the kernel's driver does not answer",
        "%s cannot be opened: %s", path, strerror(errno));
    d->problems++;
}

/* Device files through which drivers of GPUs reach them: of AMD and Intel, AMD's compute, NVIDIA. */
static void tell_access(doctor *d)
{
    static const char *const patterns[] = {"/dev/dri/renderD*", "/dev/kfd", "/dev/nvidia[0-9]*",
                                           "/dev/nvidiactl"};
    size_t found = 0;
    for (size_t i = 0; i < COUNT(patterns); i++) {
        glob_t nodes;
        if (glob(patterns[i], 0, NULL, &nodes))
            continue;
        for (size_t j = 0; j < nodes.gl_pathc; j++, found++)
            tell_node(d, nodes.gl_pathv[j]);
        globfree(&nodes);
    }
    if (!found)
        say("access", "", "this machine shows no GPU (/dev/dri, /dev/kfd, /dev/nvidia*)");
}

/* ---- devices ---- */

static rncl_status tell_device(const doctor *d, const rncl_device *device)
{
    static const char *const classes[RNCL_CLASSES] = {[RNCL_CLASS_CPU_VECTOR] = "a CPU with vectors",
                                                      [RNCL_CLASS_GPU] = "a GPU",
                                                      [RNCL_CLASS_SCALAR] = "a device without vectors"};
    const rncl_device_info *info = &device->info;
    rncl_store *store;
    RNCL_TRY(rncl_store_open(info, RNCL_PRECISION_FP32, &d->console.log, &store));
    const size_t tuned = rncl_store_count(store);
    rncl_store_close(store);
    say("device", info->compiler ? "" : "without a compiler, kernels have to be built ahead of time",
        "%d: %s, %s %s", info->number, info->name, info->platform, info->driver);
    printf("%11streated as %s%s%s; vectors of %u floats, %s; work-groups of %zu, %llu KiB of local memory\n",
           "", classes[rncl_device_class_of(info)], device->gpu.family ? " of the family " : "",
           device->gpu.family ? rncl_gpu_family_name(device->gpu.family) : "", info->vector_width,
           info->fma ? "fused multiply-add" : "no fused multiply-add", info->max_work_group_size,
           (unsigned long long)info->local_memory >> 10);
    printf("%11s%zu kernels are tuned%s\n", "", tuned, tuned ? "" : "; `rncl tune` finds faster settings");
    return RNCL_OK;
}

static rncl_status tell_devices(doctor *d, const rncl_device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        RNCL_TRY(tell_device(d, &list->devices[i]));
    if (list->skipped[0])
        say("device", "", "left out: %s", list->skipped);
    return RNCL_OK;
}

/* ---- cache ---- */

static void tell_cache(doctor *d)
{
    char *path = rncl_cache_path("doctor", true);
    const int file = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        close(file);
        unlink(path);
        *strrchr(path, '/') = '\0';
        say("cache", "", "%s can be written", path);
    } else {
        const char *home = getenv("HOME");
        say("cache", "set HOME, or XDG_CACHE_HOME, to a folder that you may write to",
            "no place for compiled programs (HOME is %s): every run compiles anew",
            home && *home ? home : "not set");
        d->problems++;
    }
    free(path);
}

/* ---- self-test ---- */

/* Batch normalisation and the fully connected layer, which is a convolution, at small shapes. */
static rncl_status test_device(doctor *d, const rncl_device *device)
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
        say("self-test", "", "device %d: right", device->info.number);
    else
        say("self-test", "update the driver, and see what `rncl check` says", "device %d: %s",
            device->info.number, rncl_status_message());
    d->problems += st != RNCL_OK;
    return RNCL_OK;
}

static rncl_status examine(doctor *d, const rncl_device_list *list)
{
    const rncl_device *device;
    RNCL_TRY(tell_drivers(d));
    tell_access(d);
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
    doctor d = {.options = options};
    rncl_console_init(&d.console, options);
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(NULL, &list));
    const rncl_status st = examine(&d, list);
    rncl_device_list_destroy(list);
    return st;
}
