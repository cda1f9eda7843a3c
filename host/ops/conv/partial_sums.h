/* A filter gradient whose pixels are shared among groups of work-items: each share leaves a sum of its own,
 * and one launch (kernels/conv/reduce.cl) adds them up in their order. */
#ifndef RNCL_OPS_PARTIAL_SUMS_H
#define RNCL_OPS_PARTIAL_SUMS_H

#include "conv.h"

typedef struct partial_sums {
    int parts, vw; /* vw divides `floats` */
    size_t floats; /* of one sum; with one part it is the result itself */
    rncl_kernel reduce;
} partial_sums;

/* Whether a filter gradient has so many floats that a sum of its own for each share of the pixels costs more
 * than sharing the output channels. */
bool partial_sums_are_large(size_t floats);

/* Workspace for the sums; 0 with one part. */
size_t partial_sums_bytes(const partial_sums *sums);

rncl_status partial_sums_build(const rncl_pass *pass, partial_sums *sums);
void partial_sums_fini(partial_sums *sums);

/* Where the shares write: the result itself, or the sums, which begin at `workspace`. */
const cl_mem *partial_sums_target(const partial_sums *sums, const cl_mem *result, const cl_mem *workspace);

/* Whether the shares must add to what is there. */
bool partial_sums_accumulate(const partial_sums *sums, bool accumulate);

/* Adds up; does nothing with one part. */
rncl_status partial_sums_reduce(const rncl_pass *pass, const partial_sums *sums, const cl_mem *workspace,
                                const cl_mem *result, bool accumulate);

#endif
