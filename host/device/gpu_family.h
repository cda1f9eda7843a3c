/* Which kind of GPU a device is, from the names and attributes that its driver reports. Presets and matrix
 * units are chosen by it; what follows from a device's limits is asked of rncl_device_info instead. */
#ifndef RNCL_DEVICE_GPU_FAMILY_H
#define RNCL_DEVICE_GPU_FAMILY_H

#include <CL/cl.h>
#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* GPUs that want the same tiles and have the same registers and widths. */
typedef enum rncl_gpu_family {
    RNCL_GPU_OTHER, /* unknown, or no GPU */
    RNCL_GPU_NVIDIA,
    RNCL_GPU_GCN,       /* AMD up to Vega, gfx6 to gfx9: 64 work-items together */
    RNCL_GPU_CDNA,      /* AMD Instinct from MI100 on, gfx908, gfx90a, gfx94x, gfx950: matrix units */
    RNCL_GPU_RDNA,      /* AMD from gfx10 on: 32 work-items together */
    RNCL_GPU_INTEL_GEN, /* Intel up to generation 11 */
    RNCL_GPU_XE_LP,     /* Intel's generation 12, in processors and DG1: no matrix units */
    RNCL_GPU_XE_HPG,    /* Intel Arc A, Flex, and Xe-LPG in Core Ultra: vectors of 8 */
    RNCL_GPU_XE_HPC,    /* Intel Max, Xe2 (Arc B, Lunar Lake) and later: vectors of 16 */
    RNCL_GPU_APPLE,
    RNCL_GPU_MALI,
    RNCL_GPU_ADRENO,
    RNCL_GPU_FAMILIES
} rncl_gpu_family;

typedef struct rncl_gpu {
    rncl_gpu_family family;
    /* NVIDIA: compute capability (9.0). AMD: digits of the gfx name (gfx90a: 9, 0, 10). Intel: version of the
     * graphics architecture (12.55 is DG2). 0, 0, 0: the driver does not say. */
    unsigned major, minor, stepping;
    unsigned sub_group; /* work-items that run together; where a kernel can choose, the least. 0: unknown */
    unsigned sub_group_sizes; /* sum of the powers of two that a kernel can require; 0: it cannot */
    unsigned units_per_core;  /* compute units that the driver counts for each core with local memory of its
                                 own: Intel counts execution units */
    bool watchdog; /* NVIDIA: the system ends kernels that run for seconds, since a display waits for them */
    bool emulates_local_memory; /* local memory is a part of global memory, and no faster */
} rncl_gpu;

/* What a driver reports. Numbers are 0 where it does not know the attribute. */
typedef struct rncl_gpu_answers {
    const char *vendor, *name;
    unsigned capability_major, capability_minor; /* cl_nv_device_attribute_query */
    unsigned exec_timeout;                       /* cl_nv_device_attribute_query: kernels are watched */
    unsigned gfx_major, gfx_minor, wavefront;    /* cl_amd_device_attribute_query */
    uint32_t ip_version;                         /* cl_intel_device_attribute_query */
    unsigned units_per_sub_slice;                /* cl_intel_device_attribute_query */
    unsigned sub_group_sizes;                    /* cl_intel_required_subgroup_size; as in rncl_gpu */
} rncl_gpu_answers;

rncl_gpu rncl_gpu_of(const rncl_gpu_answers *answers);

/* Asks a GPU for the attributes that its extensions offer. One that the driver does not know stays unknown;
 * any other failure is an error, since presets, and with them the bits of results, follow from the answers.
 */
rncl_status rncl_gpu_query(cl_device_id id, const char *vendor, const char *name, const char *extensions,
                           rncl_gpu *out);

/* "NVIDIA", "AMD RDNA"; "unknown" for RNCL_GPU_OTHER. */
const char *rncl_gpu_family_name(rncl_gpu_family family);

#endif
