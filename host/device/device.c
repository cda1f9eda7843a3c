/* Discovery over all platforms, the stable order, and the choice by number or name. */
#include "device.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cl_error.h"
#include "describe.h"
#include "driver_files.h"
#include "util.h"

static const char *const type_names[] = {
    [RNCL_DEVICE_GPU] = "gpu", [RNCL_DEVICE_ACCELERATOR] = "accelerator", [RNCL_DEVICE_CPU] = "cpu"};

const char *rncl_device_type_name(rncl_device_type type)
{
    return type_names[type];
}

/* Order of kinds in the list; within a kind, the device with more compute units comes first. */
static int rank(const rncl_device_info *info)
{
    if (info->emulator)
        return 4;
    switch (info->type) {
    case RNCL_DEVICE_GPU:
        return info->unified_memory ? 1 : 0;
    case RNCL_DEVICE_ACCELERATOR:
        return 2;
    case RNCL_DEVICE_CPU:
        break;
    }
    return 3;
}

/* Equal devices are sorted by name, so that the order does not depend on the order of platforms. */
static int compare(const void *left, const void *right)
{
    const rncl_device_info *a = &((const rncl_device *)left)->info, *b = &((const rncl_device *)right)->info;
    if (rank(a) != rank(b))
        return rank(a) - rank(b);
    if (a->compute_units != b->compute_units)
        return a->compute_units > b->compute_units ? -1 : 1;
    int by_platform = strcmp(a->platform, b->platform);
    if (by_platform)
        return by_platform;
    int by_name = strcmp(a->name, b->name);
    return by_name ? by_name : a->number - b->number;
}

static bool same_device(const rncl_device_info *a, const rncl_device_info *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->platform, b->platform) && !strcmp(a->driver, b->driver) &&
           !strcmp(a->version, b->version);
}

/* A driver that is registered twice appears as a second platform with the same devices, or with the same
 * platform again. Equal devices of one platform are separate hardware. */
static bool is_duplicate(const rncl_device_list *list, const rncl_device *device)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->devices[i].id == device->id || (list->devices[i].platform != device->platform &&
                                                  same_device(&list->devices[i].info, &device->info)))
            return true;
    return false;
}

/* Leaves out a device that rncl cannot use. */
static void skip(rncl_device_list *list, cl_device_id id, const char *reason, const rncl_log *log)
{
    char device[128] = "a device without a name";
    clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof device, device, NULL);
    snprintf(list->skipped, sizeof list->skipped, "%s: %s", device, reason);
    list->refused = true;
    rncl_log_line(log, RNCL_LOG_NOTE, "skipped: %s", list->skipped);
}

static rncl_status append_platform(rncl_device_list *list, cl_platform_id platform, const rncl_log *log)
{
    char name[128] = "unnamed platform";
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL);
    cl_device_id ids[64];
    cl_uint count = 0;
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, COUNT(ids), ids, &count);
    /* With more free memory the devices would appear, and change the numbers of the others: an error, not
     * a skipped platform. */
    if (error == CL_OUT_OF_HOST_MEMORY)
        return rncl_cl_status(error, "clGetDeviceIDs", "%s", name);
    if (error != CL_SUCCESS || count == 0) {
        const bool none = error == CL_SUCCESS || error == CL_DEVICE_NOT_FOUND;
        snprintf(list->skipped, sizeof list->skipped, "platform %s: clGetDeviceIDs: %s", name,
                 none ? "it has no device" : rncl_cl_error_name(error));
        list->refused = false;
        rncl_log_line(log, RNCL_LOG_NOTE, "skipped: %s", list->skipped);
        return RNCL_OK;
    }
    count = MIN(count, (cl_uint)COUNT(ids));
    rncl_device *grown = realloc(list->devices, (list->count + count) * sizeof *grown);
    if (!grown)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "list of OpenCL devices");
    list->devices = grown;
    size_t before = list->count;
    for (cl_uint i = 0; i < count; i++) {
        rncl_device *device = &list->devices[list->count];
        const char *reason;
        RNCL_TRY(rncl_device_refusal(ids[i], &reason));
        if (reason) {
            skip(list, ids[i], reason, log);
            continue;
        }
        RNCL_TRY(rncl_device_describe(platform, ids[i], device));
        device->info.number = (int)list->count;
        if (is_duplicate(&(rncl_device_list){.devices = list->devices, .count = before}, device))
            rncl_log_line(log, RNCL_LOG_DETAIL, "%s on %s is listed twice by its driver", device->info.name,
                          name);
        else
            list->count++;
    }
    return RNCL_OK;
}

/* The first calls load and initialise the drivers; some drivers crash if several threads do that at once. */
static pthread_mutex_t discovery = PTHREAD_MUTEX_INITIALIZER;

static rncl_status list_devices(const rncl_log *log, rncl_device_list **out)
{
    *out = NULL;
    cl_platform_id platforms[64];
    cl_uint platform_count = 0;
    const cl_int error = clGetPlatformIDs(COUNT(platforms), platforms, &platform_count);
    /* CL_PLATFORM_NOT_FOUND_KHR: the loader has found no driver. */
    enum { NO_PLATFORM = -1001 };
    if (error != NO_PLATFORM)
        RNCL_TRY(rncl_cl_status(error, "clGetPlatformIDs", "the OpenCL loader"));
    else
        platform_count = 0;
    rncl_device_list *list = calloc(1, sizeof *list);
    if (!list)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "list of OpenCL devices");
    for (cl_uint i = 0; i < MIN(platform_count, (cl_uint)COUNT(platforms)); i++) {
        rncl_status st = append_platform(list, platforms[i], log);
        if (st) {
            rncl_device_list_destroy(list);
            return st;
        }
    }
    if (list->count)
        qsort(list->devices, list->count, sizeof *list->devices, compare);
    for (size_t i = 0; i < list->count; i++)
        list->devices[i].info.number = (int)i + 1;
    *out = list;
    return RNCL_OK;
}

rncl_status rncl_device_list_create(const rncl_log *log, rncl_device_list **out)
{
    pthread_mutex_lock(&discovery);
    const rncl_status st = list_devices(log, out);
    pthread_mutex_unlock(&discovery);
    return st;
}

void rncl_device_list_destroy(rncl_device_list *list)
{
    if (!list)
        return;
    free(list->devices);
    free(list);
}

static rncl_status choose_by_number(const rncl_device_list *list, long number, const rncl_device **out)
{
    if (number < 1 || (size_t)number > list->count)
        return RNCL_FAIL(RNCL_ERR_DEVICE,
                         "--device %ld: there are devices 1 to %zu; `rncl devices` lists them", number,
                         list->count);
    *out = &list->devices[number - 1];
    return RNCL_OK;
}

static rncl_status choose_by_name(const rncl_device_list *list, const char *part, const rncl_device **out)
{
    char matches[256] = "";
    size_t length = 0;
    const rncl_device *found = NULL;
    int count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        if (!strcasestr(info->name, part) && !strcasestr(info->platform, part))
            continue;
        found = &list->devices[i];
        count++;
        if (length < sizeof matches)
            length += (size_t)snprintf(matches + length, sizeof matches - length, "%s%d %s (%s)",
                                       count > 1 ? ", " : "", info->number, info->name, info->platform);
    }
    if (count == 0)
        return RNCL_FAIL(RNCL_ERR_DEVICE,
                         "--device %s: no device or platform has that name; `rncl devices` lists them", part);
    if (count > 1)
        return RNCL_FAIL(RNCL_ERR_DEVICE, "--device %s: matches %s; give the number", part, matches);
    *out = found;
    return RNCL_OK;
}

/* Without any device: a driver that is installed but cannot start is told apart from no driver at all. */
static rncl_status fail_empty(const rncl_device_list *list)
{
    if (list->refused)
        return RNCL_FAIL(RNCL_ERR_DEVICE, "no usable OpenCL device; %s", list->skipped);
    if (list->skipped[0])
        return RNCL_FAIL(
            RNCL_ERR_DEVICE,
            "no usable OpenCL device; %s: see that memory is free and that the driver can write its "
            "cache (HOME, XDG_CACHE_HOME, POCL_CACHE_DIR), and with `clinfo` what else it lacks",
            list->skipped);
    if (rncl_driver_is_registered())
        return RNCL_FAIL(
            RNCL_ERR_DEVICE,
            "no OpenCL device found, though %s names a driver: it could not be loaded; see that memory "
            "is free (`ulimit -v`) and ask `clinfo`",
            rncl_driver_folder());
    return RNCL_FAIL(RNCL_ERR_DEVICE,
                     "no OpenCL device found: install a driver (on Debian and Ubuntu `apt install "
                     "pocl-opencl-icd` makes the CPU one)");
}

/* Short names by which people know platforms whose full name does not contain them. */
static const struct {
    const char *alias, *platform;
} platform_aliases[] = {
    {"pocl", "Portable Computing Language"},
};

rncl_status rncl_device_choose(const rncl_device_list *list, const char *selector, const rncl_device **out)
{
    *out = NULL;
    if (list->count == 0)
        return fail_empty(list);
    if (!selector || !*selector || !strcmp(selector, "auto"))
        return choose_by_number(list, 1, out);
    char *end;
    errno = 0;
    long number = strtol(selector, &end, 10);
    if (*end == '\0' && errno == 0)
        return choose_by_number(list, number, out);
    for (size_t i = 0; i < COUNT(platform_aliases); i++)
        if (!strcasecmp(selector, platform_aliases[i].alias))
            selector = platform_aliases[i].platform;
    return choose_by_name(list, selector, out);
}
