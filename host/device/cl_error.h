/* OpenCL's error codes as rncl's. */
#ifndef RNCL_DEVICE_CL_ERROR_H
#define RNCL_DEVICE_CL_ERROR_H

#include <CL/cl.h>

#include "status.h"

/* RNCL_OK for CL_SUCCESS; else the failure of a call ("clCreateBuffer") of an object (printf style, "a buffer
 * of 3 MiB"), in a message that also says what to do: RNCL_ERR_DEVICE_MEMORY where the device ran out of
 * memory, RNCL_ERR_DEVICE where it is gone, RNCL_ERR_MEMORY where the host ran out, RNCL_ERR_BUILD where a
 * kernel cannot be built, RNCL_ERR_DRIVER otherwise. */
rncl_status rncl_cl_status(cl_int error, const char *call, const char *object, ...)
    __attribute__((format(printf, 3, 4)));

/* "CL_OUT_OF_RESOURCES", for remarks. */
const char *rncl_cl_error_name(cl_int error);

#endif
