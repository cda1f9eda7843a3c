/* Discovery over all platforms, the stable order, and the choice by number or name. */
#include "device.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cl_error.h"
#include "util.h"

/* Drivers that need special treatment which their answers do not reveal. */
static const struct {
    const char *platform; /* part of the platform's name */
    bool emulator;
    const char *build_options;
} quirks[] = {
    /* Oclgrind's checks do not know LLVM's `freeze`, which the optimiser inserts. */
    {"Oclgrind", true, "-cl-opt-disable"},
};

static const char *const type_names[] = {
    [RNCL_DEVICE_GPU] = "gpu", [RNCL_DEVICE_ACCELERATOR] = "accelerator", [RNCL_DEVICE_CPU] = "cpu"};

const char *rncl_device_type_name(rncl_device_type type)
{
    return type_names[type];
}

/* One query of a device, and its name in messages. */
typedef struct query {
    cl_device_id id;
    cl_device_info what;
    const char *name;
} query;

#define QUERY(id, what) ((query){id, what, #what})

static rncl_status query_failure(const query *q, cl_int error)
{
    char device[128] = "a device without a name";
    if (q->what != CL_DEVICE_NAME)
        clGetDeviceInfo(q->id, CL_DEVICE_NAME, sizeof device, device, NULL);
    return rncl_cl_status(error, "clGetDeviceInfo", "%s, %s", device, q->name);
}

/* The answer without surrounding blanks, truncated to `size`. */
static rncl_status query_text(query q, char *out, size_t size)
{
    size_t length = 0;
    cl_int error = clGetDeviceInfo(q.id, q.what, 0, NULL, &length);
    char *text = error ? NULL : calloc(1, length + 1);
    if (!error && !text)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s of %zu bytes", q.name, length);
    if (!error)
        error = clGetDeviceInfo(q.id, q.what, length, text, NULL);
    if (!error) {
        const char *start = text + strspn(text, " ");
        length = strlen(start);
        while (length && start[length - 1] == ' ')
            length--;
        snprintf(out, size, "%.*s", (int)length, start);
    }
    free(text);
    return error ? query_failure(&q, error) : RNCL_OK;
}

/* An unsigned answer, whichever of OpenCL's integer sizes it has. */
static rncl_status query_number(query q, uint64_t *number)
{
    union {
        uint64_t wide;
        uint32_t narrow;
    } answer = {0};
    size_t size = 0;
    const cl_int error = clGetDeviceInfo(q.id, q.what, sizeof answer, &answer, &size);
    if (error)
        return query_failure(&q, error);
    *number = size == sizeof answer.narrow ? answer.narrow : answer.wide;
    return RNCL_OK;
}

static rncl_device_type kind_of(uint64_t cl_type)
{
    if (cl_type & CL_DEVICE_TYPE_GPU)
        return RNCL_DEVICE_GPU;
    if (cl_type & CL_DEVICE_TYPE_CPU)
        return RNCL_DEVICE_CPU;
    return RNCL_DEVICE_ACCELERATOR;
}

/* Properties that its extensions tell of. The other texts and numbers are known. Intel's compute units are
 * joined to cores, so that a compute unit is the same everywhere: it runs whole work-groups. */
static rncl_status describe_extensions(cl_device_id id, rncl_device *device)
{
    static const size_t most = 1 << 16;
    rncl_device_info *info = &device->info;
    char *extensions = calloc(1, most);
    if (!extensions)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "extensions of a device");
    rncl_status st = query_text(QUERY(id, CL_DEVICE_EXTENSIONS), extensions, most);
    info->fp16 = strstr(extensions, "cl_khr_fp16") != NULL;
    if (!st && info->type == RNCL_DEVICE_GPU) {
        device->gpu = rncl_gpu_query(id, info->vendor, info->name, extensions);
        info->compute_units = MAX(info->compute_units / device->gpu.units_per_core, 1u);
    }
    free(extensions);
    return st;
}

static rncl_status describe_texts(cl_platform_id platform, cl_device_id id, rncl_device_info *info)
{
    RNCL_TRY(query_text(QUERY(id, CL_DEVICE_NAME), info->name, sizeof info->name));
    RNCL_TRY(query_text(QUERY(id, CL_DEVICE_VENDOR), info->vendor, sizeof info->vendor));
    RNCL_TRY(query_text(QUERY(id, CL_DEVICE_VERSION), info->version, sizeof info->version));
    RNCL_TRY(query_text(QUERY(id, CL_DRIVER_VERSION), info->driver, sizeof info->driver));
    char name[1024] = "";
    RNCL_TRY(rncl_cl_status(clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL),
                            "clGetPlatformInfo", "the platform of %s", info->name));
    snprintf(info->platform, sizeof info->platform, "%.127s", name);
    return RNCL_OK;
}

/* OpenCL 2.0 deprecated this query, so that a driver may reject it; that is no error. The answer only
 * decides which GPU is listed first. */
static bool has_unified_memory(cl_device_id id)
{
    cl_bool unified = CL_FALSE;
    return clGetDeviceInfo(id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified, NULL) == CL_SUCCESS &&
           unified;
}

static rncl_status describe_numbers(cl_device_id id, rncl_device_info *info)
{
    uint64_t type, compiler, units, width, group, alignment, local, local_type;
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_TYPE), &type));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_COMPILER_AVAILABLE), &compiler));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_COMPUTE_UNITS), &units));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT), &width));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_WORK_GROUP_SIZE), &group));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN), &alignment));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_LOCAL_MEM_SIZE), &local));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_LOCAL_MEM_TYPE), &local_type));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_GLOBAL_MEM_SIZE), &info->global_memory));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE), &info->max_allocation));
    info->type = kind_of(type);
    info->unified_memory = has_unified_memory(id);
    info->compiler = compiler != 0;
    info->compute_units = (unsigned)MAX(units, 1);
    info->vector_width = (unsigned)MAX(width, 1);
    info->max_work_group_size = (size_t)MAX(group, 1);
    info->address_alignment = (size_t)MAX(alignment / 8, 4);
    info->local_memory = local;
    info->local_memory_dedicated = local_type == CL_LOCAL;
    return RNCL_OK;
}

static rncl_status describe(cl_platform_id platform, cl_device_id id, rncl_device *device)
{
    *device = (rncl_device){.platform = platform, .id = id, .build_options = ""};
    rncl_device_info *info = &device->info;
    RNCL_TRY(describe_texts(platform, id, info));
    RNCL_TRY(describe_numbers(id, info));
    RNCL_TRY(describe_extensions(id, device));
    for (size_t i = 0; i < COUNT(quirks); i++)
        if (strstr(info->platform, quirks[i].platform)) {
            info->emulator = quirks[i].emulator;
            device->build_options = quirks[i].build_options;
        }
    return RNCL_OK;
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

/* A driver that is registered twice appears as a second platform with the same devices. Equal devices of
 * one platform are separate hardware. */
static bool is_duplicate(const rncl_device_list *list, const rncl_device *device)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->devices[i].platform != device->platform &&
            same_device(&list->devices[i].info, &device->info))
            return true;
    return false;
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
        RNCL_TRY(describe(platform, ids[i], device));
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

/* The folder in which drivers register with the OpenCL loader on Linux. */
static const char *vendors_folder(void)
{
    const char *chosen = getenv("OCL_ICD_VENDORS");
    return chosen && *chosen ? chosen : "/etc/OpenCL/vendors";
}

static bool driver_is_installed(void)
{
    DIR *folder = opendir(vendors_folder());
    bool found = false;
    const struct dirent *entry;
    while (folder && !found && (entry = readdir(folder)))
        found = strstr(entry->d_name, ".icd") != NULL;
    if (folder)
        closedir(folder);
    return found;
}

/* Without any device: a driver that is installed but cannot start is told apart from no driver at all. */
static rncl_status fail_empty(const rncl_device_list *list)
{
    if (list->skipped[0])
        return RNCL_FAIL(
            RNCL_ERR_DEVICE,
            "no usable OpenCL device; %s: see that memory is free and that the driver can write its "
            "cache (HOME, XDG_CACHE_HOME, POCL_CACHE_DIR), and with `clinfo` what else it lacks",
            list->skipped);
    if (driver_is_installed())
        return RNCL_FAIL(
            RNCL_ERR_DEVICE,
            "no OpenCL device found, though %s names a driver: it could not be loaded; see that memory "
            "is free (`ulimit -v`) and ask `clinfo`",
            vendors_folder());
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
