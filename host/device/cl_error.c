/* Names of OpenCL's error codes, rncl's status for each, and advice. */
#include "cl_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "util.h"

static const char device_memory[] =
    "the device has no memory left: lower --batch-size or --micro-batch, or end what else uses the device";
static const char resources[] = "the device lacks memory or registers, or a kernel crashed: lower "
                                "--batch-size or --micro-batch; if that does "
                                "not help, see the system's log and run `rncl check`";
static const char host_memory[] = "this machine, or what `ulimit` leaves to this process, is short of "
                                  "memory: end other programs, or lower --batch-size";
static const char gone[] =
    "the device is gone, or another program has it: see the system's log and `rncl devices`";
static const char no_device[] = "install a driver, or see with `clinfo` why it offers no device";
static const char compiler[] =
    "the driver's compiler is missing or refused a kernel: update or reinstall the driver";
static const char work_groups[] = "the device cannot run a kernel as it was tuned: run `rncl tune --retune`";
static const char reset[] =
    "the driver may have reset the device: see the system's log, run `rncl check`, and go on with --resume";
static const char mistake[] = "a mistake of rncl or of the driver: update the driver, else report it with "
                              "what `rncl devices --json` says";

/* Codes are given by number: a driver may be newer than the headers and return codes that they do not
 * name. */
static const struct {
    cl_int code;
    const char *name;
    rncl_status status;
    const char *advice;
} errors[] = {
    {-1, "CL_DEVICE_NOT_FOUND", RNCL_ERR_DEVICE, no_device},
    {-2, "CL_DEVICE_NOT_AVAILABLE", RNCL_ERR_DEVICE, gone},
    {-3, "CL_COMPILER_NOT_AVAILABLE", RNCL_ERR_BUILD, compiler},
    {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE", RNCL_ERR_DEVICE_MEMORY, device_memory},
    {-5, "CL_OUT_OF_RESOURCES", RNCL_ERR_DEVICE_MEMORY, resources},
    {-6, "CL_OUT_OF_HOST_MEMORY", RNCL_ERR_MEMORY, host_memory},
    {-7, "CL_PROFILING_INFO_NOT_AVAILABLE", RNCL_ERR_DRIVER, mistake},
    {-8, "CL_MEM_COPY_OVERLAP", RNCL_ERR_DRIVER, mistake},
    {-9, "CL_IMAGE_FORMAT_MISMATCH", RNCL_ERR_DRIVER, mistake},
    {-10, "CL_IMAGE_FORMAT_NOT_SUPPORTED", RNCL_ERR_DRIVER, mistake},
    {-11, "CL_BUILD_PROGRAM_FAILURE", RNCL_ERR_BUILD, compiler},
    {-12, "CL_MAP_FAILURE", RNCL_ERR_DEVICE_MEMORY, device_memory},
    {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET", RNCL_ERR_DRIVER, mistake},
    {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", RNCL_ERR_DRIVER, reset},
    {-15, "CL_COMPILE_PROGRAM_FAILURE", RNCL_ERR_BUILD, compiler},
    {-16, "CL_LINKER_NOT_AVAILABLE", RNCL_ERR_BUILD, compiler},
    {-17, "CL_LINK_PROGRAM_FAILURE", RNCL_ERR_BUILD, compiler},
    {-18, "CL_DEVICE_PARTITION_FAILED", RNCL_ERR_DRIVER, mistake},
    {-19, "CL_KERNEL_ARG_INFO_NOT_AVAILABLE", RNCL_ERR_DRIVER, mistake},
    {-30, "CL_INVALID_VALUE", RNCL_ERR_DRIVER, mistake},
    {-31, "CL_INVALID_DEVICE_TYPE", RNCL_ERR_DRIVER, mistake},
    {-32, "CL_INVALID_PLATFORM", RNCL_ERR_DRIVER, mistake},
    {-33, "CL_INVALID_DEVICE", RNCL_ERR_DRIVER, mistake},
    {-34, "CL_INVALID_CONTEXT", RNCL_ERR_DRIVER, reset},
    {-35, "CL_INVALID_QUEUE_PROPERTIES", RNCL_ERR_DRIVER, mistake},
    {-36, "CL_INVALID_COMMAND_QUEUE", RNCL_ERR_DRIVER, reset},
    {-37, "CL_INVALID_HOST_PTR", RNCL_ERR_DRIVER, mistake},
    {-38, "CL_INVALID_MEM_OBJECT", RNCL_ERR_DRIVER, mistake},
    {-39, "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR", RNCL_ERR_DRIVER, mistake},
    {-40, "CL_INVALID_IMAGE_SIZE", RNCL_ERR_DRIVER, mistake},
    {-41, "CL_INVALID_SAMPLER", RNCL_ERR_DRIVER, mistake},
    {-42, "CL_INVALID_BINARY", RNCL_ERR_BUILD, compiler},
    {-43, "CL_INVALID_BUILD_OPTIONS", RNCL_ERR_BUILD, compiler},
    {-44, "CL_INVALID_PROGRAM", RNCL_ERR_BUILD, compiler},
    {-45, "CL_INVALID_PROGRAM_EXECUTABLE", RNCL_ERR_BUILD, compiler},
    {-46, "CL_INVALID_KERNEL_NAME", RNCL_ERR_BUILD, compiler},
    {-47, "CL_INVALID_KERNEL_DEFINITION", RNCL_ERR_BUILD, compiler},
    {-48, "CL_INVALID_KERNEL", RNCL_ERR_DRIVER, mistake},
    {-49, "CL_INVALID_ARG_INDEX", RNCL_ERR_DRIVER, mistake},
    {-50, "CL_INVALID_ARG_VALUE", RNCL_ERR_DRIVER, mistake},
    {-51, "CL_INVALID_ARG_SIZE", RNCL_ERR_DRIVER, mistake},
    {-52, "CL_INVALID_KERNEL_ARGS", RNCL_ERR_DRIVER, mistake},
    {-53, "CL_INVALID_WORK_DIMENSION", RNCL_ERR_DRIVER, work_groups},
    {-54, "CL_INVALID_WORK_GROUP_SIZE", RNCL_ERR_DRIVER, work_groups},
    {-55, "CL_INVALID_WORK_ITEM_SIZE", RNCL_ERR_DRIVER, work_groups},
    {-56, "CL_INVALID_GLOBAL_OFFSET", RNCL_ERR_DRIVER, mistake},
    {-57, "CL_INVALID_EVENT_WAIT_LIST", RNCL_ERR_DRIVER, mistake},
    {-58, "CL_INVALID_EVENT", RNCL_ERR_DRIVER, mistake},
    {-59, "CL_INVALID_OPERATION", RNCL_ERR_DRIVER, mistake},
    {-60, "CL_INVALID_GL_OBJECT", RNCL_ERR_DRIVER, mistake},
    {-61, "CL_INVALID_BUFFER_SIZE", RNCL_ERR_DEVICE_MEMORY, device_memory},
    {-62, "CL_INVALID_MIP_LEVEL", RNCL_ERR_DRIVER, mistake},
    {-63, "CL_INVALID_GLOBAL_WORK_SIZE", RNCL_ERR_DRIVER, mistake},
    {-64, "CL_INVALID_PROPERTY", RNCL_ERR_DRIVER, mistake},
    {-65, "CL_INVALID_IMAGE_DESCRIPTOR", RNCL_ERR_DRIVER, mistake},
    {-66, "CL_INVALID_COMPILER_OPTIONS", RNCL_ERR_BUILD, compiler},
    {-67, "CL_INVALID_LINKER_OPTIONS", RNCL_ERR_BUILD, compiler},
    {-68, "CL_INVALID_DEVICE_PARTITION_COUNT", RNCL_ERR_DRIVER, mistake},
    {-69, "CL_INVALID_PIPE_SIZE", RNCL_ERR_DRIVER, mistake},
    {-70, "CL_INVALID_DEVICE_QUEUE", RNCL_ERR_DRIVER, mistake},
    {-71, "CL_INVALID_SPEC_ID", RNCL_ERR_DRIVER, mistake},
    {-72, "CL_MAX_SIZE_RESTRICTION_EXCEEDED", RNCL_ERR_DEVICE_MEMORY, device_memory},
    {-1000, "CL_INVALID_GL_SHAREGROUP_REFERENCE_KHR", RNCL_ERR_DRIVER, mistake},
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR", RNCL_ERR_DEVICE, no_device},
    {-1057, "CL_DEVICE_PARTITION_FAILED_EXT", RNCL_ERR_DRIVER, mistake},
    {-1092, "CL_GRALLOC_RESOURCE_NOT_ACQUIRED_IMG", RNCL_ERR_DRIVER, mistake},
    {-1094, "CL_INVALID_ACCELERATOR_INTEL", RNCL_ERR_DRIVER, mistake},
    {-9999, "an illegal access of a kernel on an NVIDIA device", RNCL_ERR_DRIVER, reset},
};

static size_t find(cl_int error)
{
    size_t i = 0;
    while (i < COUNT(errors) && errors[i].code != error)
        i++;
    return i;
}

const char *rncl_cl_error_name(cl_int error)
{
    const size_t i = find(error);
    return i < COUNT(errors) ? errors[i].name : "unknown OpenCL error";
}

rncl_status rncl_cl_status(cl_int error, const char *call, const char *object, ...)
{
    if (error == CL_SUCCESS)
        return RNCL_OK;
    char what[256];
    va_list arguments;
    va_start(arguments, object);
    vsnprintf(what, sizeof what, object, arguments);
    va_end(arguments);
    const size_t i = find(error);
    const bool known = i < COUNT(errors);
    return RNCL_FAIL(known ? errors[i].status : RNCL_ERR_DRIVER, "%s of %s: %s (%d): %s", call, what,
                     rncl_cl_error_name(error), error, known ? errors[i].advice : mistake);
}
