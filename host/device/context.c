/* Context, queue, buffers. */
#include "context.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cl_error.h"
#include "huge_pages.h"
#include "kernel_binaries.h"
#include "profile.h"
#include "program.h"

static rncl_status create_queue(rncl_context *context, cl_command_queue_properties properties,
                                cl_command_queue *queue)
{
    cl_int error;
    *queue = clCreateCommandQueue(context->context, context->device, properties, &error);
    return rncl_cl_status(error, "clCreateCommandQueue", "%s", context->info.name);
}

rncl_status rncl_context_create(const rncl_device *device, const rncl_log *log, rncl_context **out)
{
    *out = NULL;
    rncl_context *context = calloc(1, sizeof *context);
    if (!context)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "context of %s", device->info.name);
    context->info = device->info;
    context->device_class = rncl_device_class_of(&device->info);
    context->traits = rncl_device_traits_of(&device->info);
    context->traits.long_loops = !device->short_loops;
    context->gpu = device->gpu;
    context->device = device->id;
    snprintf(context->build_options, sizeof context->build_options, "%s%s", device->build_options,
             device->info.fma ? "" : " -DNO_FMA");
    if (log)
        context->log = *log;

    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)device->platform,
                                                0};
    cl_int error;
    context->context = clCreateContext(properties, 1, &device->id, NULL, NULL, &error);
    rncl_status st = rncl_cl_status(error, "clCreateContext", "%s", device->info.name);
    if (st)
        goto fail;
    st = create_queue(context, 0, &context->queue);
    if (st)
        goto fail;
    st = rncl_program_cache_create(&context->programs);
    if (st)
        goto fail;
    *out = context;
    return RNCL_OK;
fail:
    rncl_context_destroy(context);
    return st;
}

void rncl_context_destroy(rncl_context *context)
{
    if (!context)
        return;
    if (context->queue)
        clFinish(context->queue);
    if (context->release_library)
        context->release_library(context->library);
    rncl_profile_destroy(context->profile);
    rncl_program_cache_destroy(context->programs);
    rncl_kernel_binaries_close(context->binaries);
    if (context->queue)
        clReleaseCommandQueue(context->queue);
    if (context->context)
        clReleaseContext(context->context);
    free(context);
}

rncl_status rncl_context_enable_timing(rncl_context *context)
{
    cl_command_queue queue;
    RNCL_TRY(rncl_context_finish(context));
    RNCL_TRY(create_queue(context, CL_QUEUE_PROFILING_ENABLE, &queue));
    clReleaseCommandQueue(context->queue);
    context->queue = queue;
    return RNCL_OK;
}

rncl_status rncl_context_finish(rncl_context *context)
{
    return rncl_cl_status(clFinish(context->queue), "clFinish", "the queue of %s", context->info.name);
}

rncl_status rncl_buffer_create(rncl_context *context, size_t size_bytes, cl_mem *out)
{
    cl_int error;
    *out = clCreateBuffer(context->context, CL_MEM_READ_WRITE, size_bytes, NULL, &error);
    RNCL_TRY(rncl_cl_status(error, "clCreateBuffer", "%.1f MiB", (double)size_bytes / (1 << 20)));
    rncl_huge_pages_advise(context, *out, size_bytes);
    return RNCL_OK;
}

rncl_status rncl_buffer_slice(cl_mem parent, size_t offset_bytes, size_t size_bytes, cl_mem *out)
{
    const cl_buffer_region region = {offset_bytes, size_bytes};
    cl_int error;
    *out = clCreateSubBuffer(parent, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    return rncl_cl_status(error, "clCreateSubBuffer", "%zu bytes at %zu", size_bytes, offset_bytes);
}

void rncl_buffer_release(cl_mem buffer)
{
    if (buffer)
        clReleaseMemObject(buffer);
}

rncl_status rncl_buffer_write(rncl_context *context, cl_mem buffer, size_t offset_bytes, size_t size_bytes,
                              const void *data)
{
    cl_int error =
        clEnqueueWriteBuffer(context->queue, buffer, CL_TRUE, offset_bytes, size_bytes, data, 0, NULL, NULL);
    return rncl_cl_status(error, "clEnqueueWriteBuffer", "%zu bytes", size_bytes);
}

rncl_status rncl_buffer_read(rncl_context *context, cl_mem buffer, size_t offset_bytes, size_t size_bytes,
                             void *data)
{
    cl_int error =
        clEnqueueReadBuffer(context->queue, buffer, CL_TRUE, offset_bytes, size_bytes, data, 0, NULL, NULL);
    return rncl_cl_status(error, "clEnqueueReadBuffer", "%zu bytes", size_bytes);
}

rncl_status rncl_buffer_clear(rncl_context *context, cl_mem buffer, size_t size_bytes)
{
    const uint32_t zero = 0;
    cl_int error =
        clEnqueueFillBuffer(context->queue, buffer, &zero, sizeof zero, 0, size_bytes, 0, NULL, NULL);
    return rncl_cl_status(error, "clEnqueueFillBuffer", "%zu bytes", size_bytes);
}
