/* Products of matrices in tiles (kernels/conv/tiled.cl), expressed as passes of a convolution. `tiled`
 * consists of them; in staged_winograd they are the middle stage. */
#ifndef RNCL_OPS_TILE_PRODUCT_H
#define RNCL_OPS_TILE_PRODUCT_H

#include "conv.h"
#include "tile_presets.h"

/* `batch` convolutions of one shape, whose tensors lie one after the other, or their filter gradients. */
typedef struct tile_problem {
    rncl_direct_shape shape; /* tile_rows has no meaning */
    bool dfilter;
    bool whole;    /* the depth is not split, since the caller does not add up shares */
    bool elements; /* images, dy and results that are images are the pass's elements; else float */
    int batch;
} tile_problem;

typedef struct tile_product {
    tile_parameters tile;
    int split; /* shares of the depth */
    rncl_kernel kernel;
} tile_product;

/* The tensors that the pass reads, and what it writes; offsets in floats, multiples of 4. `result` gets
 * `split` results, one after the other; with more than one, the caller adds them up. */
typedef struct tile_operands {
    cl_mem images, right, result;
    size_t right_offset, result_offset;
    cl_mem statistics; /* of the result's columns, tile_product_parts of them; NULL: none */
    bool accumulate;   /* add to the result; only with a split of 1 */
} tile_operands;

/* Knobs of a product, which are contiguous in the row's list of knobs. */
#define TILE_PRODUCT_KNOBS(X)                                                                                \
    X(TM, "tm", "TM")                      /* rows of a work-group's tile */                                 \
    X(TN, "tn", "TN")                      /* columns of it */                                               \
    X(TK, "tk", "TK")                      /* depth that is loaded at a time */                              \
    X(RM, "rm", "RM")                      /* rows of a work-item's register block */                        \
    X(RN, "rn", "RN")                      /* columns of it */                                               \
    X(LEFT, "left", "LEFT")                /* values of a load from images */                                \
    X(RIGHT, "right", "RIGHT")             /* values of a load from the other tensor, and of a store */      \
    X(UNROLL, "unroll", "UNROLL")          /* units of depth that the inner loop has at once */              \
    X(LOCAL, "local", "LOCAL")             /* 1: tiles are in local memory; 0: in registers */               \
    X(SUB_GROUP, "sub_group", "SUB_GROUP") /* work-items of Intel's sub-groups; 0: any */                    \
    X(REGISTERS, "large_registers", NULL)  /* 1: twice the registers, on Intel's GPUs */                     \
    X(SPLIT, "split", NULL)                /* shares of the depth, which leave results of their own */

/* Adds these knobs, with presets for the device. */
void tile_product_add_knobs(const rncl_context *context, const tile_problem *problem, rncl_knobs *knobs);

/* Whether these values, in the order of the knobs, are a valid combination. */
bool tile_product_allows(const rncl_context *context, const tile_problem *problem, const int *values);

/* The product with these values, before its kernel is built. */
tile_product tile_product_of(const int *values);

/* In a 1x1 convolution without stride or padding the arrangement of pixels does not matter: makes one row of
 * them, so that the kernel never changes rows. */
void tile_problem_flatten(tile_problem *problem);

/* Parts in which the product can write the statistics of its columns (kernels/statistics.clh); 0: it cannot.
 */
int tile_product_parts(const tile_product *product, const tile_problem *problem);

/* `first`: index of the product's first knob among the pass's. */
rncl_status tile_product_build(const rncl_pass *pass, int first, const tile_problem *problem,
                               tile_product *product);

/* The problem's sizes may differ from those it was built for, but not `dfilter`. */
rncl_status tile_product_enqueue(rncl_context *context, const tile_product *product,
                                 const tile_problem *problem, const tile_operands *operands);

#endif
