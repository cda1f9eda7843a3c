/* What a device answers to queries, the quirks of drivers, and devices that rncl cannot use. */
#include "describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "util.h"

/* Drivers that need special treatment which their answers do not reveal. */
static const struct {
    const char *platform, *device; /* parts of their names */
    bool emulator, short_loops;
    const char *build_options;
} quirks[] = {
    /* Oclgrind's checks do not know LLVM's `freeze`, which the optimiser inserts. */
    {"Oclgrind", "", true, false, "-cl-opt-disable"},
    /* Mesa's software renderers: a driver that is made for the CPU is faster. */
    {"", "llvmpipe", true, true, ""},
    {"", "softpipe", true, true, ""},
};

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
    *number = 0;
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
        st = rncl_gpu_query(id, info->vendor, info->name, extensions, &device->gpu);
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

/* How many work-items a group may have in each of the three dimensions. A device may have more dimensions. */
static rncl_status query_sizes(cl_device_id id, size_t sizes[3])
{
    size_t answer[16] = {0};
    const query q = QUERY(id, CL_DEVICE_MAX_WORK_ITEM_SIZES);
    const cl_int error = clGetDeviceInfo(id, q.what, sizeof answer, answer, NULL);
    for (int i = 0; i < 3; i++)
        sizes[i] = MAX(answer[i], (size_t)1);
    return error ? query_failure(&q, error) : RNCL_OK;
}

static rncl_status describe_numbers(cl_device_id id, rncl_device_info *info)
{
    uint64_t type, compiler, units, width, native, group, alignment, local, local_type, floats;
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_TYPE), &type));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_COMPILER_AVAILABLE), &compiler));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_COMPUTE_UNITS), &units));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT), &width));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT), &native));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_SINGLE_FP_CONFIG), &floats));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_WORK_GROUP_SIZE), &group));
    RNCL_TRY(query_sizes(id, info->max_work_items));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN), &alignment));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_LOCAL_MEM_SIZE), &local));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_LOCAL_MEM_TYPE), &local_type));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_GLOBAL_MEM_SIZE), &info->global_memory));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE), &info->max_allocation));
    info->type = kind_of(type);
    info->unified_memory = has_unified_memory(id);
    info->compiler = compiler != 0;
    info->compute_units = (unsigned)MAX(units, 1);
    /* Drivers that vectorise over work-items prefer scalars. With one work-item in a work-group there is
     * nothing to vectorise over, so that kernels for CPUs bring vectors of their own. */
    info->vector_width = (unsigned)MAX(info->type == RNCL_DEVICE_GPU ? width : MAX(width, native), 1);
    info->fma = (floats & CL_FP_FMA) != 0;
    info->max_work_group_size = MIN((size_t)MAX(group, 1), info->max_work_items[0]);
    info->address_alignment = (size_t)MAX(alignment / 8, 4);
    info->local_memory = local;
    info->local_memory_dedicated = local_type == CL_LOCAL;
    return RNCL_OK;
}

rncl_status rncl_device_describe(cl_platform_id platform, cl_device_id id, rncl_device *device)
{
    *device = (rncl_device){.platform = platform, .id = id, .build_options = ""};
    rncl_device_info *info = &device->info;
    RNCL_TRY(describe_texts(platform, id, info));
    RNCL_TRY(describe_numbers(id, info));
    RNCL_TRY(describe_extensions(id, device));
    for (size_t i = 0; i < COUNT(quirks); i++)
        if (strstr(info->platform, quirks[i].platform) && strstr(info->name, quirks[i].device)) {
            info->emulator = quirks[i].emulator;
            device->short_loops = quirks[i].short_loops;
            device->build_options = quirks[i].build_options;
        }
#ifdef __aarch64__
    /* PoCL 3.1 finds out widths on x86 only, and says 1. 64-bit ARM CPUs have vectors of 4. */
    if (info->type == RNCL_DEVICE_CPU && !info->emulator)
        info->vector_width = MAX(info->vector_width, 4);
#endif
    return RNCL_OK;
}

/* "OpenCL 3.0 …" has at least 1.2. */
static bool has_opencl_1_2(const char *version)
{
    int major = 0, minor = 0;
    return sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 && (major > 1 || (major == 1 && minor >= 2));
}

rncl_status rncl_device_refusal(cl_device_id id, const char **reason)
{
    char version[128], profile[64];
    uint64_t available, little_endian;
    *reason = NULL;
    RNCL_TRY(query_text(QUERY(id, CL_DEVICE_VERSION), version, sizeof version));
    RNCL_TRY(query_text(QUERY(id, CL_DEVICE_PROFILE), profile, sizeof profile));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_AVAILABLE), &available));
    RNCL_TRY(query_number(QUERY(id, CL_DEVICE_ENDIAN_LITTLE), &little_endian));
    if (!available)
        *reason = "it is not available: another program has it, or it is switched off";
    else if (!has_opencl_1_2(version))
        *reason = "it has OpenCL before 1.2: update the driver";
    else if (strcmp(profile, "FULL_PROFILE") != 0)
        *reason = "it has the embedded profile, whose floats may round otherwise";
    else if (!little_endian)
        *reason = "it is big-endian";
    return RNCL_OK;
}
