/* The products of Winograd's convolution in stages (staged_winograd.c), its middle stage: 1x1 convolutions
 * with a pixel for each tile, or their filter gradients. One table of functions for each way to compute them.
 */
#ifndef RNCL_OPS_STAGED_PRODUCTS_H
#define RNCL_OPS_STAGED_PRODUCTS_H

#include "tile_product.h"

typedef struct staged_products {
    /* Whether operands are rounded to fewer bits than float32 has. NULL: they are not. */
    bool (*rounds)(const rncl_pass *pass);
    void (*add_knobs)(const rncl_pass *pass, const tile_problem *problem, rncl_knobs *knobs);
    /* Whether these values, in the order of the knobs, are a valid combination. */
    bool (*allows)(const rncl_pass *pass, const tile_problem *problem, const int *values);
    /* Shares of the depth, whose results lie one after the other. */
    int (*shares)(const int *values);
    /* The values of the pass from `first` on are those of the knobs. */
    rncl_status (*build)(const rncl_pass *pass, int first, const tile_problem *problem, rncl_kernel *kernel);
    rncl_status (*enqueue)(const rncl_pass *pass, int first, const tile_problem *problem,
                           const rncl_kernel *kernel, const tile_operands *operands);
} staged_products;

/* Whether the device has a matrix unit that keeps enough bits, and a tile of it is possible. Of operands that
 * are rounded to bfloat16, transforming back leaves too little. */
bool staged_products_fit_unit(const rncl_pass *pass, const tile_problem *problem);

extern const staged_products staged_products_in_tiles, staged_products_on_units;

#endif
