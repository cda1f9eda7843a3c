/* Creates kernels from programs, and launches them. */
#include "launch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "launch_parts.h"
#include "profile.h"
#include "program.h"
#include "util.h"

/* Queries the kind of each argument, so that a launch with wrong arguments fails here and not in the
 * driver. */
static void query_kinds(rncl_kernel *kernel)
{
    kernel->kinds_known = true;
    for (unsigned i = 0; i < kernel->arg_count && kernel->kinds_known; i++) {
        cl_kernel_arg_address_qualifier qualifier = 0;
        kernel->kinds_known = clGetKernelArgInfo(kernel->handle, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER,
                                                 sizeof qualifier, &qualifier, NULL) == CL_SUCCESS;
        kernel->arg_is_buffer[i] =
            qualifier == CL_KERNEL_ARG_ADDRESS_GLOBAL || qualifier == CL_KERNEL_ARG_ADDRESS_CONSTANT;
    }
}

rncl_status rncl_kernel_create(rncl_context *context, const char *stem, const char *options, const char *name,
                               rncl_kernel *out)
{
    *out = (rncl_kernel){0};
    cl_program program;
    RNCL_TRY(rncl_program_build(context, stem, options, &program));
    RNCL_TRY(rncl_program_note_kernel(context, name));
    snprintf(out->name, sizeof out->name, "%s", name);
    if (!program)
        return RNCL_OK;
    cl_int error;
    out->handle = clCreateKernel(program, name, &error);
    RNCL_TRY(rncl_cl_status(error, "clCreateKernel", "%s in %s.cl", name, stem));
    cl_uint count = 0;
    error = clGetKernelInfo(out->handle, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
    rncl_status st = rncl_cl_status(error, "clGetKernelInfo", "%s in %s.cl", name, stem);
    if (!st && count > RNCL_KERNEL_MAX_ARGS)
        st = RNCL_FAIL(RNCL_ERR_BUILD, "kernel %s of %s.cl has %u arguments; launch.h allows %d", name, stem,
                       count, RNCL_KERNEL_MAX_ARGS);
    if (!st && context->launch_limit_ns && !(out->pace = calloc(1, sizeof *out->pace)))
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "kernel %s", name);
    if (st) {
        rncl_kernel_fini(out);
        return st;
    }
    out->arg_count = count;
    query_kinds(out);
    return RNCL_OK;
}

rncl_status rncl_kernel_require(rncl_context *context, const rncl_kernel *kernel, size_t items)
{
    size_t most = 0;
    if (!kernel->handle) /* listed and not built */
        return RNCL_OK;
    const cl_int error = clGetKernelWorkGroupInfo(kernel->handle, context->device, CL_KERNEL_WORK_GROUP_SIZE,
                                                  sizeof most, &most, NULL);
    RNCL_TRY(rncl_cl_status(error, "clGetKernelWorkGroupInfo", "%s", kernel->name));
    if (items <= most)
        return RNCL_OK;
    context->info.max_work_group_size = MAX(most, (size_t)1);
    return RNCL_FAIL(RNCL_ERR_BUILD, "%s can run kernel %s with %zu work-items in a work-group, not with %zu",
                     context->info.name, kernel->name, most, items);
}

void rncl_kernel_fini(rncl_kernel *kernel)
{
    if (kernel->handle)
        clReleaseKernel(kernel->handle);
    free(kernel->pace);
    *kernel = (rncl_kernel){0};
}

static rncl_status set_args(const rncl_kernel *kernel, const rncl_arg *args, size_t arg_count)
{
    if (arg_count != kernel->arg_count)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "kernel %s takes %u arguments and was given %zu", kernel->name,
                         kernel->arg_count, arg_count);
    for (unsigned i = 0; i < arg_count; i++) {
        if (kernel->kinds_known && kernel->arg_is_buffer[i] != args[i].is_buffer)
            return RNCL_FAIL(RNCL_ERR_FAILURE, "kernel %s: argument %u should %sbe a buffer", kernel->name, i,
                             kernel->arg_is_buffer[i] ? "" : "not ");
        RNCL_TRY(rncl_cl_status(clSetKernelArg(kernel->handle, i, args[i].size, args[i].value),
                                "clSetKernelArg", "argument %u of %s", i, kernel->name));
    }
    return RNCL_OK;
}

rncl_status rncl_launch_range(rncl_context *context, const rncl_kernel *kernel, const rncl_range *range,
                              const size_t offset[3])
{
    cl_event event = NULL;
    cl_int error = clEnqueueNDRangeKernel(context->queue, kernel->handle, 3, offset, range->global,
                                          range->local[0] ? range->local : NULL, 0, NULL,
                                          context->profile ? &event : NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueNDRangeKernel", "%s", kernel->name));
    return event ? rncl_profile_record(context->profile, kernel->name, event) : RNCL_OK;
}

rncl_status rncl_launch_args(rncl_context *context, const rncl_kernel *kernel, rncl_range range,
                             const rncl_arg *args, size_t arg_count)
{
    RNCL_TRY(set_args(kernel, args, arg_count));
    for (int i = 0; i < 3; i++) {
        if (range.global[i] == 0)
            range.global[i] = 1;
        assert(range.local[0] == 0 || (range.local[i] > 0 && range.global[i] % range.local[i] == 0));
    }
    return kernel->pace ? rncl_launch_in_parts(context, kernel, &range)
                        : rncl_launch_range(context, kernel, &range, NULL);
}
