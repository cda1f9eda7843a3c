/* What people want to know of a device when something goes wrong, beyond what rncl itself plans with. */
#ifndef RNCL_DEVICE_DETAILS_H
#define RNCL_DEVICE_DETAILS_H

#include "device.h"

/* The device's extensions, separated by blanks; NULL when out of memory or the driver does not say. Caller
 * frees. */
char *rncl_device_extensions(const rncl_device *device);

/* The path of the driver's shared library, or NULL if it cannot be told. Owned by the dynamic linker. */
const char *rncl_device_driver_file(const rncl_device *device);

/* The device's name without what differs between versions of one driver, so that tuning results keep their
 * device: PoCL calls the same CPU "pthread-haswell-…" up to version 4 and "cpu-haswell-…" since; both are
 * "pthread-haswell-…" here. `stable` may be `name`. */
void rncl_device_stable_name(const char *name, char *stable, size_t size);

#endif
