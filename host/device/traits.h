/* Properties of a device that planning uses, computed once from its answers. */
#ifndef RNCL_DEVICE_TRAITS_H
#define RNCL_DEVICE_TRAITS_H

#include <stdbool.h>
#include <stddef.h>

#include "rncl/device.h"

/* Decides the defaults. It follows from the device's answers and not from its vendor. */
typedef enum rncl_device_class {
    RNCL_CLASS_CPU_VECTOR,  /* wants explicit vectors and work-groups of one work-item */
    RNCL_CLASS_GPU,         /* wants wide work-groups of scalar work-items */
    RNCL_CLASS_SCALAR,      /* no float vectors: wants small, simple kernels */
    RNCL_CLASS_ACCELERATOR, /* FPGAs: wants kernels of a single work-item, all in one program */
    RNCL_CLASSES
} rncl_device_class;

rncl_device_class rncl_device_class_of(const rncl_device_info *info);

/* For kernels with explicit vectors and register blocks. */
typedef struct rncl_device_traits {
    int vector_floats;     /* floats of the widest vector worth using; a power of two, at most 16 */
    int accumulators;      /* vectors of sums in an untuned register block: enough to hide the latency of an
                              FMA, few enough to stay in registers beside their operands */
    int most_accumulators; /* vectors of sums in any register block */
    int block_inputs;      /* input channels in an untuned register block of a filter gradient */
    int block_tiles;       /* tiles in an untuned register block of Winograd's products */
    size_t streamed_bytes; /* larger results are written by non-temporal stores: they would not stay in the
                              caches until they are read */
    bool long_loops;       /* a work-item may loop over a whole share of the batch; false for the drivers
                              that rncl_device.short_loops marks */
} rncl_device_traits;

rncl_device_traits rncl_device_traits_of(const rncl_device_info *info);

#endif
