/* Wrappers of the OpenCL functions that rncl calls. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CL/cl.h>

#include "fault_leaks.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define EXPORT __attribute__((visibility("default")))

#define STATUS(name, parameters, arguments)                                                                  \
    EXPORT cl_int name parameters                                                                            \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        return f.kind ? f.code : ((cl_int(*) parameters)fault_real(&point))arguments;                        \
    }

/* The same for what may give the caller an event. */
#define COMMAND(name, parameters, arguments)                                                                 \
    EXPORT cl_int name parameters                                                                            \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (f.kind)                                                                                          \
            return f.code;                                                                                   \
        const cl_int error = ((cl_int(*) parameters)fault_real(&point))arguments;                            \
        if (!error && event)                                                                                 \
            fault_take(&point, __builtin_return_address(0), (uintptr_t)*event);                              \
        return error;                                                                                        \
    }

#define OBJECT(type, name, parameters, arguments)                                                            \
    EXPORT type name parameters                                                                              \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        const fault f = FAULT_MEET(&point);                                                                  \
        if (!f.kind) {                                                                                       \
            type const object = ((type(*) parameters)fault_real(&point))arguments;                           \
            fault_take(&point, __builtin_return_address(0), (uintptr_t)object);                              \
            return object;                                                                                   \
        }                                                                                                    \
        if (error)                                                                                           \
            *error = f.code;                                                                                 \
        return NULL;                                                                                         \
    }

/* Release functions: rncl retains nothing, so that the first call ends what it holds. */
#define RELEASE(name, type)                                                                                  \
    EXPORT cl_int name(type object)                                                                          \
    {                                                                                                        \
        static fault_point point = {#name, NULL};                                                            \
        if (fault_is_watched(__builtin_return_address(0)))                                                   \
            fault_give_back((uintptr_t)object);                                                              \
        return ((cl_int(*)(type))fault_real(&point))(object);                                                \
    }

RELEASE(clReleaseContext, cl_context)
RELEASE(clReleaseCommandQueue, cl_command_queue)
RELEASE(clReleaseMemObject, cl_mem)
RELEASE(clReleaseProgram, cl_program)
RELEASE(clReleaseKernel, cl_kernel)
RELEASE(clReleaseEvent, cl_event)

STATUS(clGetPlatformIDs, (cl_uint room, cl_platform_id *ids, cl_uint *count), (room, ids, count))
STATUS(clGetDeviceIDs,
       (cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count),
       (platform, type, room, ids, count))
STATUS(clGetPlatformInfo,
       (cl_platform_id of, cl_platform_info what, size_t size, void *value, size_t *needed),
       (of, what, size, value, needed))
STATUS(clGetKernelInfo, (cl_kernel of, cl_kernel_info what, size_t size, void *value, size_t *needed),
       (of, what, size, value, needed))
STATUS(clGetKernelWorkGroupInfo,
       (cl_kernel of, cl_device_id device, cl_kernel_work_group_info what, size_t size, void *value,
        size_t *needed),
       (of, device, what, size, value, needed))
STATUS(clGetKernelArgInfo,
       (cl_kernel of, cl_uint index, cl_kernel_arg_info what, size_t size, void *value, size_t *needed),
       (of, index, what, size, value, needed))
STATUS(clGetProgramInfo, (cl_program of, cl_program_info what, size_t size, void *value, size_t *needed),
       (of, what, size, value, needed))
STATUS(clGetProgramBuildInfo,
       (cl_program of, cl_device_id device, cl_program_build_info what, size_t size, void *value,
        size_t *needed),
       (of, device, what, size, value, needed))
STATUS(clGetEventProfilingInfo,
       (cl_event of, cl_profiling_info what, size_t size, void *value, size_t *needed),
       (of, what, size, value, needed))
STATUS(clFinish, (cl_command_queue queue), (queue))
STATUS(clFlush, (cl_command_queue queue), (queue))
STATUS(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))
COMMAND(clEnqueueReadBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, void *to,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, buffer, blocking, offset, size, to, count, events, event))
COMMAND(clEnqueueReadBufferRect,
        (cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
         const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
         size_t host_row, size_t host_slice, void *to, cl_uint count, const cl_event *events,
         cl_event *event),
        (queue, buffer, blocking, buffer_origin, host_origin, region, buffer_row, buffer_slice, host_row,
         host_slice, to, count, events, event))
COMMAND(clEnqueueWriteBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
         const void *from, cl_uint count, const cl_event *events, cl_event *event),
        (queue, buffer, blocking, offset, size, from, count, events, event))
COMMAND(clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset, size_t size,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, from, to, from_offset, to_offset, size, count, events, event))
COMMAND(clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset,
         size_t size, cl_uint count, const cl_event *events, cl_event *event),
        (queue, buffer, pattern, pattern_size, offset, size, count, events, event))
COMMAND(clEnqueueUnmapMemObject,
        (cl_command_queue queue, cl_mem buffer, void *mapped, cl_uint count, const cl_event *events,
         cl_event *event),
        (queue, buffer, mapped, count, events, event))
COMMAND(clEnqueueMarkerWithWaitList,
        (cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event),
        (queue, count, events, event))
COMMAND(clEnqueueBarrierWithWaitList,
        (cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event),
        (queue, count, events, event))
OBJECT(cl_context, clCreateContext,
       (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
        void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *error),
       (properties, count, devices, notify, user, error))
OBJECT(cl_command_queue, clCreateCommandQueue,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *error),
       (context, device, properties, error))
OBJECT(cl_mem, clCreateBuffer,
       (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error),
       (context, flags, size, host, error))
OBJECT(cl_mem, clCreateSubBuffer,
       (cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *error),
       (buffer, flags, type, region, error))
OBJECT(cl_program, clCreateProgramWithSource,
       (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *error),
       (context, count, texts, lengths, error))
OBJECT(cl_program, clCreateProgramWithBinary,
       (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *lengths,
        const unsigned char **binaries, cl_int *statuses, cl_int *error),
       (context, count, devices, lengths, binaries, statuses, error))
OBJECT(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *error),
       (program, name, error))

/* What is mapped is no object: unmapping it can fail, and is up to the driver then. */
EXPORT void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags,
                                size_t offset, size_t size, cl_uint count, const cl_event *events,
                                cl_event *event, cl_int *error)
{
    static fault_point point = {"clEnqueueMapBuffer", NULL};
    const fault f = FAULT_MEET(&point);
    if (!f.kind)
        return ((void *(*)(cl_command_queue, cl_mem, cl_bool, cl_map_flags, size_t, size_t, cl_uint,
                           const cl_event *, cl_event *, cl_int *))fault_real(&point))(
            queue, buffer, blocking, flags, offset, size, count, events, event, error);
    if (error)
        *error = f.code;
    return NULL;
}

/* ---- what devices report ---- */

static const struct {
    cl_device_info what;
    const char *name;
} reported[] = {
    {CL_DEVICE_MAX_COMPUTE_UNITS, "compute_units"},
    {CL_DEVICE_LOCAL_MEM_SIZE, "local_memory"},
    {CL_DEVICE_GLOBAL_MEM_SIZE, "global_memory"},
    {CL_DEVICE_MAX_MEM_ALLOC_SIZE, "max_allocation"},
    {CL_DEVICE_COMPILER_AVAILABLE, "compiler"},
    {CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, "vector_width"},
    {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, "vector_width"},
    {CL_DEVICE_MAX_WORK_GROUP_SIZE, "max_work_group_size"},
    {CL_DEVICE_TYPE, "type"},
};

EXPORT cl_int clGetDeviceInfo(cl_device_id of, cl_device_info what, size_t size, void *value, size_t *needed)
{
    static fault_point point = {"clGetDeviceInfo", NULL};
    const fault f = FAULT_MEET(&point);
    if (f.kind)
        return f.code;
    size_t length = 0;
    const cl_int error = ((cl_int(*)(cl_device_id, cl_device_info, size_t, void *, size_t *))fault_real(
        &point))(of, what, size, value, &length);
    if (needed)
        *needed = length;
    for (size_t i = 0; !error && value && i < sizeof reported / sizeof *reported; i++) {
        uint64_t number;
        if (reported[i].what == what && fault_device_value(reported[i].name, &number))
            memcpy(value, &number, length); /* little-endian */
    }
    return error;
}

/* Without a compiler only programs from binaries can be built. */
EXPORT cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    static fault_point point = {"clBuildProgram", NULL};
    const fault f = FAULT_MEET(&point);
    if (f.kind)
        return f.code;
    uint64_t compiler = 1;
    size_t source = 0;
    fault_device_value("compiler", &compiler);
    clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &source);
    if (!compiler && source > 1)
        return CL_COMPILER_NOT_AVAILABLE;
    return ((cl_int(*)(cl_program, cl_uint, const cl_device_id *, const char *,
                       void(CL_CALLBACK *)(cl_program, void *), void *))fault_real(&point))(
        program, count, devices, options, notify, user);
}

/* ---- wrong results ---- */

/* The buffers that are set as kernel arguments, so that one can be spoiled. */
static struct {
    cl_kernel kernel;
    cl_uint index;
    cl_mem buffer;
} given[4096];
static size_t given_count;
static pthread_mutex_t given_lock = PTHREAD_MUTEX_INITIALIZER;

static cl_mem *find_given(cl_kernel kernel, cl_uint index)
{
    for (size_t i = 0; i < given_count; i++)
        if (given[i].kernel == kernel && given[i].index == index)
            return &given[i].buffer;
    if (given_count == sizeof given / sizeof *given)
        return NULL;
    given[given_count].kernel = kernel;
    given[given_count].index = index;
    return &given[given_count++].buffer;
}

EXPORT cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    static fault_point point = {"clSetKernelArg", NULL};
    const fault f = FAULT_MEET(&point);
    if (f.kind)
        return f.code;
    if (size == sizeof(cl_mem) && value && getenv("RNCL_FAULT_SPOIL")) {
        pthread_mutex_lock(&given_lock);
        cl_mem *buffer = find_given(kernel, index);
        if (buffer)
            memcpy(buffer, value, size);
        pthread_mutex_unlock(&given_lock);
    }
    return ((cl_int(*)(cl_kernel, cl_uint, size_t, const void *))fault_real(&point))(kernel, index, size,
                                                                                     value);
}

static void spoil(cl_command_queue queue, cl_kernel kernel)
{
    char name[128] = "";
    unsigned argument;
    size_t index;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    if (!fault_spoils(name, &argument, &index))
        return;
    pthread_mutex_lock(&given_lock);
    const cl_mem *buffer = find_given(kernel, argument);
    float value = 0;
    cl_int error = CL_INVALID_ARG_INDEX;
    if (buffer && *buffer)
        error = clEnqueueReadBuffer(queue, *buffer, CL_TRUE, index * sizeof value, sizeof value, &value, 0,
                                    NULL, NULL);
    value = value * 1.5f + 1;
    if (!error)
        error = clEnqueueWriteBuffer(queue, *buffer, CL_TRUE, index * sizeof value, sizeof value, &value, 0,
                                     NULL, NULL);
    pthread_mutex_unlock(&given_lock);
    if (error)
        fprintf(stderr, "fault layer: %s: argument %u is not a buffer of so many floats (%d)\n", name,
                argument, error);
}

EXPORT cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global, const size_t *local,
                                     cl_uint count, const cl_event *events, cl_event *event)
{
    static fault_point point = {"clEnqueueNDRangeKernel", NULL};
    const fault f = FAULT_MEET(&point);
    if (f.kind)
        return f.code;
    const cl_int error =
        ((cl_int(*)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *,
                    cl_uint, const cl_event *, cl_event *))fault_real(&point))(
            queue, kernel, dimensions, offset, global, local, count, events, event);
    if (!error && event)
        fault_take(&point, __builtin_return_address(0), (uintptr_t)*event);
    if (!error && getenv("RNCL_FAULT_SPOIL"))
        spoil(queue, kernel);
    return error;
}
