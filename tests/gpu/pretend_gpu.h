/* The pretending layer: a library for LD_PRELOAD that makes every OpenCL device (PoCL's, that is) answer as a
 * GPU, so that what is planned, built and launched for that GPU can be seen and, on the CPU, run.
 * tests/faults/ has the layer that makes calls fail and single answers wrong; both can be loaded. Environment
 * variables:
 *
 * RNCL_PRETEND=KEY
 * The device: a key of the table in pretend_gpus.c. What it would refuse fails: launches whose work-groups or
 * local memory are too large, sub-buffers that are not aligned, buffers larger than its allocations, programs
 * with doubles or fused multiply-adds that it does not have.
 *
 * RNCL_PRETEND_WORK_GROUP=N
 * Its largest work-group, in place of the table's.
 *
 * RNCL_PRETEND_NATIVE=N
 * Floats of its native vectors, in place of the table's.
 *
 * RNCL_PRETEND_LOG=FILE
 * Appended to; "build" lines only where launches are not wanted (RNCL_PRETEND_LAUNCHES unset):
 *   build PROGRAM HASH OPTIONS
 *   launch KERNEL PROGRAM GLOBAL,GLOBAL,GLOBAL LOCAL,LOCAL,LOCAL ARGUMENT...
 * PROGRAM counts the builds of the process. An ARGUMENT is a buffer ("b" and its size in bytes) or the 32-bit
 * words of a value, joined by commas.
 *
 * RNCL_PRETEND_SOURCES=DIR
 * Source code of built programs goes to DIR/HASH.cl. Programs from a binary cache have none: point
 * XDG_CACHE_HOME elsewhere.
 *
 * RNCL_PRETEND_IDLE=1
 * Nothing is launched or copied, and buffers are small: any network and batch is planned in seconds. Reads
 * yield zeros.
 *
 * RNCL_PRETEND_UNITS=1
 * The GPU's matrix units work: PoCL builds programs for them as emulations, and their probe is run. */
#ifndef RNCL_TESTS_GPU_PRETEND_GPU_H
#define RNCL_TESTS_GPU_PRETEND_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CL/cl.h>

typedef struct pretend_gpu {
    const char *key;
    const char *vendor, *name, *extensions;
    cl_uint compute_units;
    cl_uint lanes;          /* of a warp, wavefront or least sub-group; 0: not to be asked for */
    cl_uint version[2];     /* compute capability, graphics IP or architecture: major, minor */
    cl_uint units_per_core; /* Intel: execution units of a sub-slice */
    size_t work_group;
    size_t items[3];     /* most work-items in each dimension; 0: as many as in a work-group */
    size_t kernel_group; /* most work-items of every kernel once it is built; 0: as many as in a work-group */
    uint64_t memory, allocation, local;
    bool local_in_memory, unified, has_double;
    cl_device_type type;    /* 0: a GPU */
    cl_uint vector, native; /* floats of the preferred and of the native vector; 0: 1 */
    size_t alignment;       /* bytes, of sub-buffers; 0: PoCL's */
    const char *opencl;     /* "OpenCL 1.1 …"; NULL: PoCL's */
    const char *profile;    /* NULL: PoCL's */
    bool no_fma, unavailable, big_endian;
} pretend_gpu;

/* The device of RNCL_PRETEND; NULL if there is none. Ends the process with a message if it is not in the
 * table.
 */
const pretend_gpu *pretended(void);

/* The most work-items of a work-group in a dimension, of three. */
size_t pretend_items(const pretend_gpu *gpu, int dimension);

/* The answer of a pretended GPU to a query, as clGetDeviceInfo gives it; false if its own answer will do. */
bool pretend_answer(const pretend_gpu *gpu, cl_device_info what, size_t size, void *value, size_t *needed,
                    cl_int *status);

#endif
