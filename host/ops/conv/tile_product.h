/* Matrix products in tiles of local memory (kernels/conv/implicit_gemm.cl), expressed as passes of a
 * convolution. implicit_gemm consists of one; in staged_winograd they are the middle stage. */
#ifndef RNCL_OPS_TILE_PRODUCT_H
#define RNCL_OPS_TILE_PRODUCT_H

#include "conv.h"

/* One pass of `batch` convolutions of one shape, whose tensors lie one after the other. A 1x1 convolution
 * without stride or padding is a product of matrices as they are stored. */
typedef struct tile_problem {
    rncl_conv_shape shape;
    int pass; /* RNCL_CONV_… */
    int batch;
} tile_problem;

/* The macros of conv/implicit_gemm.cl, and the number of shares of the depth. */
typedef struct tile_product {
    int tm, tn, tk, rm, rn, vw, split;
    rncl_kernel kernel;
} tile_product;

/* The two tensors that the pass reads and the one it writes; offsets in floats. `result` gets `split`
 * results, one after the other; with more than one, the caller adds them up. */
typedef struct tile_operands {
    cl_mem left, right, result;
    size_t right_offset, result_offset;
    bool accumulate; /* add to the result; only with a split of 1 */
} tile_operands;

/* Whether the device allows work-groups that are large enough. */
bool tile_product_is_possible(const rncl_context *context);

/* Knobs of a product, which are contiguous in the row's list of knobs. */
#define TILE_PRODUCT_KNOBS(X)                                                                                \
    X(TM, "tm", "TM")       /* rows of a work-group's tile */                                                \
    X(TN, "tn", "TN")       /* columns of it */                                                              \
    X(TK, "tk", "TK")       /* depth that is staged at a time */                                             \
    X(RM, "rm", "RM")       /* rows of a work-item's register block */                                       \
    X(RN, "rn", "RN")       /* columns of it */                                                              \
    X(LOAD, "load", "VW")   /* floats of a load */                                                           \
    X(SPLIT, "split", NULL) /* shares of the depth, which leave results of their own */

/* Adds these knobs, with presets for the GPU's family. */
void tile_product_add_knobs(const rncl_context *context, const tile_problem *problem, rncl_knobs *knobs);

/* Whether these values, in the order of the knobs, are a valid combination. */
bool tile_product_allows(const rncl_context *context, const tile_problem *problem, const int *values);

/* The product with these values, before its kernel is built. */
tile_product tile_product_of(const int *values);

/* Floats of one result. */
size_t tile_product_floats(const tile_problem *problem);

/* `first`: index of the product's first knob among the pass's. */
rncl_status tile_product_build(const rncl_pass *pass, int first, const tile_problem *problem,
                               tile_product *product);

/* The problem's sizes may differ from those it was built for, but not its pass, nor whether it is 1x1. */
rncl_status tile_product_enqueue(rncl_context *context, const tile_product *product,
                                 const tile_problem *problem, const tile_operands *operands);

#endif
