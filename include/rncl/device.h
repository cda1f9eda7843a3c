/** @file
 * What is known of an OpenCL device before anything runs on it. */
#ifndef RNCL_DEVICE_INFO_H
#define RNCL_DEVICE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rncl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of devices. */
typedef enum rncl_device_type {
    RNCL_DEVICE_GPU,
    RNCL_DEVICE_ACCELERATOR,
    RNCL_DEVICE_CPU,
} rncl_device_type;

/** One OpenCL device, as its driver describes it. */
typedef struct rncl_device_info {
    int number;                  /**< from 1, as --device takes it */
    char name[128];              /**< as the driver has it */
    char platform[128];          /**< of the driver: "Portable Computing Language" */
    char vendor[128];            /**< of the device */
    char version[128];           /**< of OpenCL, as the device reports it */
    char driver[64];             /**< driver version */
    rncl_device_type type;       /**< what decides the order of devices */
    bool emulator;               /**< a simulator for debugging, or a software renderer; listed last */
    bool unified_memory;         /**< shares memory with the host */
    bool compiler;               /**< can build kernels from source */
    bool fp16;                   /**< has 16-bit floats */
    unsigned compute_units;      /**< cores of a CPU, and what runs whole work-groups on a GPU */
    bool fma;                    /**< has a fused multiply-add for floats */
    unsigned vector_width;       /**< floats in its preferred vector, or on CPUs in a native one; 1: none */
    size_t max_work_group_size;  /**< work-items */
    size_t max_work_items[3];    /**< of a work-group in each dimension */
    size_t address_alignment;    /**< bytes; of sub-buffers */
    uint64_t global_memory;      /**< bytes */
    uint64_t max_allocation;     /**< bytes of the largest buffer */
    uint64_t local_memory;       /**< bytes that a work-group shares */
    bool local_memory_dedicated; /**< that memory is its own, and not a part of the device's */
} rncl_device_info;

/** "gpu", "accelerator" or "cpu". */
RNCL_API const char *rncl_device_type_name(rncl_device_type type);

#ifdef __cplusplus
}
#endif

#endif
