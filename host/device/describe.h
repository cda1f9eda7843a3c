/* Describes one device by the answers of its driver. */
#ifndef RNCL_DEVICE_DESCRIBE_H
#define RNCL_DEVICE_DESCRIBE_H

#include "device.h"

/* Fills in `device`; its number is left 0. A query that the driver does not answer is an error. */
rncl_status rncl_device_describe(cl_platform_id platform, cl_device_id id, rncl_device *device);

/* Why rncl cannot use the device; NULL if it can. Asks for what every version of OpenCL answers, so that an
 * old device can be refused before it is described. */
rncl_status rncl_device_refusal(cl_device_id id, const char **reason);

#endif
