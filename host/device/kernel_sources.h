/* The kernel files, embedded when rncl is built; generated from kernels/ by embed_kernels.cmake. */
#ifndef RNCL_DEVICE_KERNEL_SOURCES_H
#define RNCL_DEVICE_KERNEL_SOURCES_H

#include <stddef.h>

typedef struct rncl_kernel_source {
    const char *name; /* its path below kernels/: "batchnorm.cl", "conv/direct.clh" */
    const char *text;
} rncl_kernel_source;

extern const rncl_kernel_source rncl_kernel_sources[];
extern const size_t rncl_kernel_source_count;

#endif
