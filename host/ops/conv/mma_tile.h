/* Products and tiles of convolution on matrix units (kernels/conv/mma.cl). */
#ifndef RNCL_OPS_MMA_TILE_H
#define RNCL_OPS_MMA_TILE_H

#include "conv.h"

/* Phases of a strided input gradient; larger strides are left to other rows. */
enum { MMA_MOST_STRIDE = 3, MMA_MOST_PRODUCTS = MMA_MOST_STRIDE * MMA_MOST_STRIDE };

/* Macros of conv/mma.cl: rows and columns of sub-groups, rows and columns of fragments of a sub-group, words
 * of depth that are staged at a time. */
typedef struct mma_tile {
    int sr, sc, fr, fc, tk;
} mma_tile;

/* Of the matrices of a product. */
typedef struct mma_sizes {
    int rows, columns, depth;
} mma_sizes;

/* Values of a load of the left and right matrices, and of a store of the result: all run along channels. */
typedef struct mma_widths {
    int left, right, store;
} mma_widths;

/* NULL: the device has none. */
const rncl_matrix_unit *mma_unit_of(const rncl_pass *pass);

/* The products of a pass: of an input gradient one for each phase of the stride. Returns their number. */
int mma_add_products(const rncl_pass *pass, rncl_mma_shape out[MMA_MOST_PRODUCTS]);

mma_sizes mma_sizes_of(const rncl_pass *pass, const rncl_mma_shape *s);

/* Of the product that has most to do. */
mma_sizes mma_largest_sizes(const rncl_pass *pass);

/* Of floats 16 bytes or one; of elements the widest of which the tile has as many as there are work-items. */
mma_widths mma_widths_of(const rncl_pass *pass, const mma_tile *tile);

/* Work-items of a work-group. */
int mma_items_of(const rncl_matrix_unit *unit, const mma_tile *tile);

bool mma_tile_is_possible(const rncl_pass *pass, const mma_tile *tile);

/* Whether any tile is possible. */
bool mma_has_tile(const rncl_pass *pass);

/* The tile that is used without tuning for so many products of the pass in a launch, and the shares of the
 * depth; one if it must stay whole. */
mma_tile mma_tile_preset(const rncl_pass *pass, int products, bool whole, int *split);

#endif
