/* Partial sums of a result, usually a filter gradient: what is summed over, there the pixels, is split into
 * shares, each work-group writes the sum of its share, and one launch (kernels/conv/reduce.cl) adds them in
 * order. */
#ifndef RNCL_OPS_PARTIAL_SUMS_H
#define RNCL_OPS_PARTIAL_SUMS_H

#include "conv.h"

typedef struct partial_sums {
    int parts, vw; /* vw divides `floats` */
    size_t floats; /* of one sum, which with one part is the result */
    rncl_kernel reduce;
} partial_sums;

/* Whether a filter gradient of so many floats is too large for partial sums; then the output channels are
 * split instead of the pixels. */
bool partial_sums_are_large(size_t floats);

/* Workspace for the sums; 0 with one part. */
size_t partial_sums_bytes(const partial_sums *sums);

rncl_status partial_sums_build(const rncl_pass *pass, partial_sums *sums);
void partial_sums_fini(partial_sums *sums);

/* The buffer that the shares write: the result itself, or the sums in `workspace`. */
const cl_mem *partial_sums_target(const partial_sums *sums, const cl_mem *result, const cl_mem *workspace);

/* Whether the shares must add to the buffer's contents. */
bool partial_sums_accumulate(const partial_sums *sums, bool accumulate);

/* Adds up the sums; does nothing with one part. */
rncl_status partial_sums_reduce(const rncl_pass *pass, const partial_sums *sums, const cl_mem *workspace,
                                const cl_mem *result, bool accumulate);

#endif
