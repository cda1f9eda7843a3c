/* Matrix products, by CLBlast. */
#ifndef RNCL_OPS_GEMM_H
#define RNCL_OPS_GEMM_H

#include "context.h"
#include "status.h"

/* c [m][n] = op(a) op(b) + beta c, all row-major; op(a) is [m][k], op(b) [k][n]. Offsets and leading
 * dimensions in floats. */
typedef struct rncl_gemm {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    cl_mem a, b, c;
    size_t a_offset, b_offset, c_offset;
    size_t a_stride, b_stride, c_stride;
    float beta;
    cl_mem workspace; /* at least rncl_gemm_workspace bytes */
} rncl_gemm;

/* Scratch that a product of these sizes takes. */
rncl_status rncl_gemm_workspace(rncl_context *context, const rncl_gemm *gemm, size_t *size_bytes);

rncl_status rncl_gemm_enqueue(rncl_context *context, const rncl_gemm *gemm);

#endif
