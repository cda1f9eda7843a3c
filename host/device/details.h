/* Facts about a device for bug reports (`rncl devices --verbose`), which rncl itself does not use in
 * planning. */
#ifndef RNCL_DEVICE_DETAILS_H
#define RNCL_DEVICE_DETAILS_H

#include "device.h"

/* The device's extensions, separated by blanks; NULL if the driver does not answer or memory is short.
 * Caller frees. */
char *rncl_device_extensions(const rncl_device *device);

/* The path of the driver's shared library, or NULL if it is unknown. Owned by the dynamic linker. */
const char *rncl_device_driver_file(const rncl_device *device);

/* The device's name without the parts that differ between versions of one driver, so that tuning results
 * are still found after an update. PoCL calls the same CPU "pthread-haswell-…" up to version 4 and "cpu-
 * haswell-…" since; both become "pthread-haswell-…". `stable` may be `name`. */
void rncl_device_stable_name(const char *name, char *stable, size_t size);

#endif
