/* Products of matrices in tiles of local memory (kernels/conv/implicit_gemm.cl), written as passes of a
 * convolution: what implicit_gemm is, and the middle stage of staged_winograd. */
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

/* How it is done: as in conv/implicit_gemm.cl, and the shares of the depth. */
typedef struct tile_product {
    int tm, tn, tk, rm, rn, vw, split;
    rncl_kernel kernel;
} tile_product;

/* The two tensors that the pass reads and the one it writes; offsets in floats. `result` takes split results,
 * one after the other, to be added up by whoever asked for more than one. */
typedef struct tile_operands {
    cl_mem left, right, result;
    size_t right_offset, result_offset;
    bool accumulate; /* add to the result; only with a split of 1 */
} tile_operands;

/* Whether the device has the work-groups and the local memory. */
bool tile_product_is_possible(const rncl_context *context);

/* A row's knobs for its product, which stand one after the other in the row's list. */
#define TILE_PRODUCT_KNOBS(X)                                                                                \
    X(TM, "tm", "TM")       /* rows of a work-group's tile */                                                \
    X(TN, "tn", "TN")       /* columns of it */                                                              \
    X(TK, "tk", "TK")       /* depth that is staged at a time */                                             \
    X(RM, "rm", "RM")       /* rows of a work-item's register block */                                       \
    X(RN, "rn", "RN")       /* columns of it */                                                              \
    X(LOAD, "load", "VW")   /* floats of a load */                                                           \
    X(SPLIT, "split", NULL) /* shares of the depth, which leave results of their own */

/* Adds them, with presets for the device's vendor. */
void tile_product_add_knobs(const rncl_context *context, const tile_problem *problem, rncl_knobs *knobs);

/* Whether their values, in this order, go together. */
bool tile_product_allows(const rncl_context *context, const tile_problem *problem, const int *values);

/* The product with these values, still without its kernel. */
tile_product tile_product_of(const int *values);

/* Floats of one result. */
size_t tile_product_floats(const tile_problem *problem);

/* `first`: the place of the product's knobs among the pass's. */
rncl_status tile_product_build(const rncl_pass *pass, int first, const tile_problem *problem,
                               tile_product *product);

/* The problem's sizes may differ from those it was built for, but not its pass, nor whether it is 1x1. */
rncl_status tile_product_enqueue(rncl_context *context, const tile_product *product,
                                 const tile_problem *problem, const tile_operands *operands);

#endif
