/* The names of OpenCL's errors and what they mean to rncl. */
#include "cl_error.h"

#include "util.h"

#define NAMED(code, status)                                                                                  \
    {                                                                                                        \
        code, #code, status                                                                                  \
    }

static const struct {
    cl_int code;
    const char *name;
    rncl_status status;
} errors[] = {
    NAMED(CL_DEVICE_NOT_FOUND, RNCL_ERR_DEVICE),
    NAMED(CL_DEVICE_NOT_AVAILABLE, RNCL_ERR_DEVICE),
    NAMED(CL_COMPILER_NOT_AVAILABLE, RNCL_ERR_BUILD),
    NAMED(CL_MEM_OBJECT_ALLOCATION_FAILURE, RNCL_ERR_DEVICE_MEMORY),
    NAMED(CL_OUT_OF_RESOURCES, RNCL_ERR_DEVICE_MEMORY),
    NAMED(CL_OUT_OF_HOST_MEMORY, RNCL_ERR_MEMORY),
    NAMED(CL_PROFILING_INFO_NOT_AVAILABLE, RNCL_ERR_DRIVER),
    NAMED(CL_BUILD_PROGRAM_FAILURE, RNCL_ERR_BUILD),
    NAMED(CL_MISALIGNED_SUB_BUFFER_OFFSET, RNCL_ERR_DRIVER),
    NAMED(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_VALUE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_PLATFORM, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_DEVICE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_CONTEXT, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_COMMAND_QUEUE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_MEM_OBJECT, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_BINARY, RNCL_ERR_BUILD),
    NAMED(CL_INVALID_BUILD_OPTIONS, RNCL_ERR_BUILD),
    NAMED(CL_INVALID_PROGRAM, RNCL_ERR_BUILD),
    NAMED(CL_INVALID_PROGRAM_EXECUTABLE, RNCL_ERR_BUILD),
    NAMED(CL_INVALID_KERNEL_NAME, RNCL_ERR_BUILD),
    NAMED(CL_INVALID_KERNEL, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_ARG_INDEX, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_ARG_VALUE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_ARG_SIZE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_KERNEL_ARGS, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_WORK_DIMENSION, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_WORK_GROUP_SIZE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_WORK_ITEM_SIZE, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_GLOBAL_OFFSET, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_EVENT_WAIT_LIST, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_EVENT, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_OPERATION, RNCL_ERR_DRIVER),
    NAMED(CL_INVALID_BUFFER_SIZE, RNCL_ERR_DEVICE_MEMORY),
    NAMED(CL_INVALID_GLOBAL_WORK_SIZE, RNCL_ERR_DRIVER),
};

const char *rncl_cl_error_name(cl_int error)
{
    for (size_t i = 0; i < COUNT(errors); i++)
        if (errors[i].code == error)
            return errors[i].name;
    return "unknown OpenCL error";
}

rncl_status rncl_cl_status(cl_int error, const char *what)
{
    if (error == CL_SUCCESS)
        return RNCL_OK;
    rncl_status status = RNCL_ERR_DRIVER;
    for (size_t i = 0; i < COUNT(errors); i++)
        if (errors[i].code == error)
            status = errors[i].status;
    return RNCL_FAIL(status, "%s: %s (%d)", what, rncl_cl_error_name(error), error);
}
