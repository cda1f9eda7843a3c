/* OpenCL's error codes as rncl's. */
#ifndef RNCL_DEVICE_CL_ERROR_H
#define RNCL_DEVICE_CL_ERROR_H

#include <CL/cl.h>

#include "status.h"

/* RNCL_OK for CL_SUCCESS. Otherwise records a message that names the call ("clCreateBuffer") and its
 * object (printf style, "a buffer of 3 MiB") and says what to do. Returns RNCL_ERR_DEVICE_MEMORY if the
 * device ran out of memory, RNCL_ERR_DEVICE if it is gone, RNCL_ERR_MEMORY if the host ran out,
 * RNCL_ERR_BUILD if a kernel cannot be built, else RNCL_ERR_DRIVER. */
rncl_status rncl_cl_status(cl_int error, const char *call, const char *object, ...)
    __attribute__((format(printf, 3, 4)));

/* The name of a code, such as "CL_OUT_OF_RESOURCES". */
const char *rncl_cl_error_name(cl_int error);

#endif
