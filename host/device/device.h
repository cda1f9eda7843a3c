/* Finding the OpenCL devices of all platforms and choosing one. */
#ifndef RNCL_DEVICE_DEVICE_H
#define RNCL_DEVICE_DEVICE_H

#include <CL/cl.h>

#include "gpu_family.h"
#include "log.h"
#include "rncl/device.h"
#include "status.h"

typedef struct rncl_device {
    rncl_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    rncl_gpu gpu;              /* family RNCL_GPU_OTHER where it is none */
    const char *build_options; /* for every program on this device; usually "" */
    bool short_loops; /* silently ends a work-item's loops after 65535 iterations, all of them together */
} rncl_device;

typedef struct rncl_device_list {
    rncl_device *devices; /* discrete GPUs, integrated GPUs, accelerators, CPUs, emulators */
    size_t count;
    char skipped[256]; /* the last platform without devices or device that rncl cannot use, and the reason;
                          "" if none was left out */
    bool refused;      /* that was a device */
} rncl_device_list;

/* Every device, in the order in which --device numbers them; the order depends on the devices alone. A
 * platform that fails or has no device, and a device that rncl cannot use, are skipped with a note in the
 * log; a driver that is installed twice counts once. No device at all gives an empty list. A device that does
 * not answer a query, or a shortage of memory, is an error. */
rncl_status rncl_device_list_create(const rncl_log *log, rncl_device_list **out);
void rncl_device_list_destroy(rncl_device_list *list);

/* `selector`: a number from 1, a part of the device's or platform's name in any case, or "auto" or NULL
 * for the first. RNCL_ERR_DEVICE if the list is empty, nothing matches or more than one does (naming
 * them). The list owns the device. */
rncl_status rncl_device_choose(const rncl_device_list *list, const char *selector, const rncl_device **out);

#endif
