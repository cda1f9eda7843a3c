/* OpenCL's error codes as rncl's. */
#ifndef RNCL_DEVICE_CL_ERROR_H
#define RNCL_DEVICE_CL_ERROR_H

#include <CL/cl.h>

#include "status.h"

/* RNCL_OK for CL_SUCCESS; else the failure of `what` ("clCreateBuffer of 3 MiB"): RNCL_ERR_DEVICE_MEMORY
 * where the device ran out of memory, RNCL_ERR_DEVICE where it is gone, RNCL_ERR_DRIVER otherwise. */
rncl_status rncl_cl_status(cl_int error, const char *what);

const char *rncl_cl_error_name(cl_int error);

#endif
