/* Matrix products, by CLBlast. */
#ifndef RNCL_OPS_GEMM_H
#define RNCL_OPS_GEMM_H

#include "context.h"
#include "status.h"

/* Parameters that CLBlast compiles its kernels with, by CLBlast's names. Xgemm multiplies copies of the
 * matrices that are padded to whole tiles, XgemmDirect the matrices as they are; Xgemm is used where m n k
 * reaches the cube of XGEMM_MIN_INDIRECT_SIZE. */
#define RNCL_GEMM_PARAMETERS_XGEMM(X)                                                                        \
    X(GEMMK)                                                                                                 \
    X(KREG)                                                                                                  \
    X(KWG)                                                                                                   \
    X(KWI)                                                                                                   \
    X(MDIMA)                                                                                                 \
    X(MDIMC)                                                                                                 \
    X(MWG)                                                                                                   \
    X(NDIMB)                                                                                                 \
    X(NDIMC)                                                                                                 \
    X(NWG)                                                                                                   \
    X(SA)                                                                                                    \
    X(SB)                                                                                                    \
    X(STRM)                                                                                                  \
    X(STRN)                                                                                                  \
    X(VWM)                                                                                                   \
    X(VWN)
#define RNCL_GEMM_PARAMETERS_DIRECT(X)                                                                       \
    X(KWID)                                                                                                  \
    X(MDIMAD)                                                                                                \
    X(MDIMCD)                                                                                                \
    X(NDIMBD)                                                                                                \
    X(NDIMCD)                                                                                                \
    X(PADA)                                                                                                  \
    X(PADB)                                                                                                  \
    X(VWMD)                                                                                                  \
    X(VWND)                                                                                                  \
    X(WGD)
#define RNCL_GEMM_PARAMETERS_ROUTINE(X) X(XGEMM_MIN_INDIRECT_SIZE)
#define RNCL_GEMM_PARAMETERS_ALL(X)                                                                          \
    RNCL_GEMM_PARAMETERS_XGEMM(X) RNCL_GEMM_PARAMETERS_DIRECT(X) RNCL_GEMM_PARAMETERS_ROUTINE(X)

typedef enum rncl_gemm_parameter {
#define X(name) RNCL_GEMM_##name,
    RNCL_GEMM_PARAMETERS_ALL(X)
#undef X
        RNCL_GEMM_PARAMETERS
} rncl_gemm_parameter;

extern const char *const rncl_gemm_parameter_names[];

/* c [m][n] = op(a) op(b) + beta c, all row-major; op(a) is [m][k], op(b) [k][n]. Offsets and leading
 * dimensions in floats. */
typedef struct rncl_gemm {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    cl_mem a, b, c;
    size_t a_offset, b_offset, c_offset;
    size_t a_stride, b_stride, c_stride;
    float beta;
    const int
        *parameters;  /* [RNCL_GEMM_PARAMETERS]; NULL: CLBlast's own, unless others have been set before */
    cl_mem workspace; /* at least rncl_gemm_workspace bytes */
} rncl_gemm;

/* Scratch that a product of these sizes needs with these parameters. */
rncl_status rncl_gemm_workspace(rncl_context *context, const rncl_gemm *gemm, size_t *size_bytes);

rncl_status rncl_gemm_enqueue(rncl_context *context, const rncl_gemm *gemm);

/* How often this context has changed CLBlast's parameters. Each change costs milliseconds, and the first
 * use of a set compiles kernels. */
unsigned rncl_gemm_switches(const rncl_context *context);

#endif
