/* Finding the OpenCL devices of all platforms and choosing one. */
#ifndef RNCL_DEVICE_DEVICE_H
#define RNCL_DEVICE_DEVICE_H

#include <CL/cl.h>

#include "log.h"
#include "rncl/device.h"
#include "status.h"

/* Makers whose GPUs have presets of their own. */
typedef enum rncl_device_vendor {
    RNCL_VENDOR_OTHER,
    RNCL_VENDOR_NVIDIA,
    RNCL_VENDOR_AMD,
    RNCL_VENDOR_INTEL,
    RNCL_VENDOR_APPLE,
    RNCL_VENDORS
} rncl_device_vendor;

typedef struct rncl_device {
    rncl_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    rncl_device_vendor vendor;
    const char *build_options; /* that every program needs there; usually "" */
} rncl_device;

typedef struct rncl_device_list {
    rncl_device *devices; /* discrete GPUs, integrated GPUs, accelerators, CPUs, emulators */
    size_t count;
    char skipped[256]; /* the last platform without a device, and why it has none; "" if all have some */
} rncl_device_list;

/* Every device, in the order in which --device numbers them; the order depends on the devices alone. A
 * platform that fails or has no device is skipped with a note in the log; a driver that is installed twice
 * counts once. No device at all is an empty list, not an error; a device that does not answer what it is
 * asked, or a shortage of memory, is one. */
rncl_status rncl_device_list_create(const rncl_log *log, rncl_device_list **out);
void rncl_device_list_destroy(rncl_device_list *list);

/* `selector`: a number from 1, a part of the device's or platform's name in any case, or "auto" or NULL for
 * the first. RNCL_ERR_DEVICE if the list is empty, nothing matches or more than one does (naming them). The
 * device is the list's. */
rncl_status rncl_device_choose(const rncl_device_list *list, const char *selector, const rncl_device **out);

#endif
