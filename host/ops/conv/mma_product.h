/* Products of matrices on matrix units (kernels/conv/mma.cl), each that of a pass of a convolution. `mma`
 * consists of them; in mma_winograd they are the middle stage. */
#ifndef RNCL_OPS_MMA_PRODUCT_H
#define RNCL_OPS_MMA_PRODUCT_H

#include "mma_tile.h"

/* Adds the knobs of a product, with presets for so many of them in a launch; whole: the depth is not split.
 */
void mma_product_add_knobs(const rncl_pass *product, int count, bool whole, rncl_knobs *knobs);

/* The tile of the knobs' values, and the shares of the depth, whose results lie one after the other. */
mma_tile mma_product_tile(const int *values);
int mma_product_shares(const int *values);

/* Whether these values, in the order of the knobs, are a valid combination. */
bool mma_product_allows(const rncl_pass *product, const int *values);

/* The largest relative error of a rounded operand. */
double mma_product_rounding(const rncl_pass *pass);

/* Builds the kernel for a pass whose product's knobs begin at `first`. more: further options. */
rncl_status mma_product_build(const rncl_pass *pass, int first, const rncl_pass *product, const char *more,
                              rncl_kernel *kernel);

/* Of the launch of shape->batch products. */
rncl_range mma_product_range(const rncl_pass *product, const rncl_mma_shape *shape, const mma_tile *tile,
                             int shares);

#endif
