/* Wrappers of the OpenCL functions by which a device is described, built for and launched on. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "pretend_gpu.h"
#include "pretend_log.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define EXPORT __attribute__((visibility("default")))

/* Bytes of a buffer that is not used. */
enum { SMALL_BUFFER = 1 << 16 };

/* The function that this one stands in for. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static bool has_units(void)
{
    return getenv("RNCL_PRETEND_UNITS") != NULL;
}

/* From the creation of a matrix unit's probe until its result has been read. */
static bool probing;

static bool idle(void)
{
    return getenv("RNCL_PRETEND_IDLE") && !probing;
}

/* CLBlast is kept out of it: it has kernels for some vendors that only their compilers know, and doubles in
 * sources that it compiles for floats. */
static bool is_clblast(const void *caller)
{
    Dl_info module;
    return dladdr(caller, &module) && module.dli_fname && strstr(module.dli_fname, "libclblast");
}

EXPORT cl_int clGetDeviceInfo(cl_device_id of, cl_device_info what, size_t size, void *value, size_t *needed)
{
    const pretend_gpu *gpu = pretended();
    cl_int status;
    const bool kind = what == CL_DEVICE_VENDOR || what == CL_DEVICE_NAME || what == CL_DEVICE_EXTENSIONS ||
                      what == CL_DEVICE_TYPE;
    if (gpu && !(kind && is_clblast(__builtin_return_address(0))) &&
        pretend_answer(gpu, what, size, value, needed, &status))
        return status;
    return REAL(clGetDeviceInfo)(of, what, size, value, needed);
}

/* ---- programs ---- */

/* The options for PoCL: those that only a vendor's own compiler knows are blanks. What PoCL makes of a GPU's
 * kernel is of no interest and would take ten times as long to compile: it does not optimise. */
static char *options_for_pocl(const char *options)
{
    static const char *const own[] = {"-cl-nv-", "-cl-intel-", "-cl-amd-", "-qcom-"};
    static const char quick[] = " -cl-opt-disable", emulated[] = " -DEMULATED=1";
    char *copy = malloc(strlen(options) + sizeof quick + sizeof emulated);
    if (!copy)
        return NULL;
    strcat(strcpy(copy, options), quick);
    if (has_units() && strstr(options, "-DUNIT="))
        strcat(copy, emulated);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        for (char *word; (word = strstr(copy, own[i]));)
            memset(word, ' ', strcspn(word, " "));
    return copy;
}

/* The program's source, empty if it has none; the caller frees it. NULL if memory is out. */
static char *source_of(cl_program program)
{
    size_t length = 0;
    clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &length);
    char *source = calloc(1, length + 1);
    if (source)
        clGetProgramInfo(program, CL_PROGRAM_SOURCE, length, source, NULL);
    return source;
}

static bool has_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += length)
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
            return true;
    return false;
}

/* Whether the device lacks what the program uses. rncl's sources come without comments. */
static bool lacks(const pretend_gpu *gpu, const char *source, const char *options)
{
    return (!gpu->has_double && has_word(source, "double")) ||
           (gpu->no_fma && *source && !strstr(options ? options : "", "-DNO_FMA"));
}

EXPORT cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    const pretend_gpu *gpu = pretended();
    char *source = source_of(program), *others = options_for_pocl(options ? options : "");
    const char *passed = gpu ? others : options;
    cl_int error = source && others ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    if (!error)
        pretend_log_build(program, source, options ? options : "");
    if (!error && gpu && !is_clblast(__builtin_return_address(0)) && lacks(gpu, source, options))
        error = CL_BUILD_PROGRAM_FAILURE;
    if (!error)
        error = REAL(clBuildProgram)(program, count, devices, passed, notify, user);
    free(source);
    free(others);
    return error;
}

EXPORT cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *error)
{
    probing = probing || (has_units() && !strcmp(name, "mma_probe"));
    return REAL(clCreateKernel)(program, name, error);
}

/* ---- memory, which is not used where nothing is launched ---- */

EXPORT cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error)
{
    const size_t taken = idle() && size > SMALL_BUFFER ? SMALL_BUFFER : size;
    const pretend_gpu *gpu = pretended();
    if (gpu && size > gpu->allocation) {
        if (error)
            *error = CL_INVALID_BUFFER_SIZE;
        return NULL;
    }
    return pretend_log_buffer(REAL(clCreateBuffer)(context, flags, taken, host, error), size);
}

EXPORT cl_mem clCreateSubBuffer(cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type,
                                const void *region, cl_int *error)
{
    const size_t size = ((const cl_buffer_region *)region)->size;
    cl_context context = NULL;
    const pretend_gpu *gpu = pretended();
    if (gpu && gpu->alignment && ((const cl_buffer_region *)region)->origin % gpu->alignment) {
        if (error)
            *error = CL_MISALIGNED_SUB_BUFFER_OFFSET;
        return NULL;
    }
    if (!idle())
        return pretend_log_buffer(REAL(clCreateSubBuffer)(buffer, flags, type, region, error), size);
    clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    return pretend_log_buffer(REAL(clCreateBuffer)(context, flags, sizeof(cl_ulong), NULL, error), size);
}

/* ---- launches ---- */

EXPORT cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    pretend_log_argument(kernel, index, size, value);
    return REAL(clSetKernelArg)(kernel, index, size, value);
}

/* What the pretended GPU would say to a launch that is too large for it. */
static cl_int refusal(cl_kernel kernel, cl_device_id device, const size_t local[3])
{
    const pretend_gpu *gpu = pretended();
    cl_ulong used = 0;
    if (!gpu)
        return CL_SUCCESS;
    const size_t items = local[0] * local[1] * local[2];
    if (items > gpu->work_group || (gpu->kernel_group && items > gpu->kernel_group))
        return CL_INVALID_WORK_GROUP_SIZE;
    for (int i = 0; i < 3; i++)
        if (local[i] > pretend_items(gpu, i))
            return CL_INVALID_WORK_ITEM_SIZE;
    clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof used, &used, NULL);
    return used > gpu->local ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

EXPORT cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                       size_t size, void *value, size_t *needed)
{
    const pretend_gpu *gpu = pretended();
    const cl_int error = REAL(clGetKernelWorkGroupInfo)(kernel, device, what, size, value, needed);
    if (!error && gpu && value && what == CL_KERNEL_WORK_GROUP_SIZE)
        *(size_t *)value = gpu->kernel_group ? gpu->kernel_group : gpu->work_group;
    return error;
}

/* In place of what is left out: an event that is wanted. */
static cl_int mark(cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event)
{
    return event ? clEnqueueMarkerWithWaitList(queue, count, events, event) : CL_SUCCESS;
}

EXPORT cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *events, cl_event *event)
{
    size_t all[3] = {1, 1, 1}, group[3] = {1, 1, 1};
    cl_device_id device = NULL;
    for (cl_uint i = 0; i < dimensions && i < 3; i++) {
        all[i] = global[i];
        group[i] = local ? local[i] : 1;
    }
    clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    pretend_log_launch(kernel, all, group);
    const cl_int error = refusal(kernel, device, group);
    if (error)
        return error;
    return idle() ? mark(queue, count, events, event)
                  : REAL(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, global, local, count,
                                                 events, event);
}

/* ---- copies ---- */

EXPORT cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset,
                                   size_t size, const void *from, cl_uint count, const cl_event *events,
                                   cl_event *event)
{
    return idle() ? mark(queue, count, events, event)
                  : REAL(clEnqueueWriteBuffer)(queue, buffer, blocking, offset, size, from, count, events,
                                               event);
}

EXPORT cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset,
                                  size_t size, void *to, cl_uint count, const cl_event *events,
                                  cl_event *event)
{
    if (!idle()) {
        probing = false;
        return REAL(clEnqueueReadBuffer)(queue, buffer, blocking, offset, size, to, count, events, event);
    }
    memset(to, 0, size);
    return mark(queue, count, events, event);
}

EXPORT cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                                  size_t pattern_size, size_t offset, size_t size, cl_uint count,
                                  const cl_event *events, cl_event *event)
{
    return idle() ? mark(queue, count, events, event)
                  : REAL(clEnqueueFillBuffer)(queue, buffer, pattern, pattern_size, offset, size, count,
                                              events, event);
}

EXPORT cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset,
                                  size_t to_offset, size_t size, cl_uint count, const cl_event *events,
                                  cl_event *event)
{
    return idle() ? mark(queue, count, events, event)
                  : REAL(clEnqueueCopyBuffer)(queue, from, to, from_offset, to_offset, size, count, events,
                                              event);
}
