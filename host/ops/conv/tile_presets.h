/* Tiles of kernels/conv/tiled.cl that are used without tuning. */
#ifndef RNCL_OPS_TILE_PRESETS_H
#define RNCL_OPS_TILE_PRESETS_H

#include "context.h"

/* Macros of conv/tiled.cl, and whether it is compiled for twice the registers at half the threads. */
typedef struct tile_parameters {
    int tm, tn, tk, rm, rn, left, right, unroll, local, sub_group, large_registers;
} tile_parameters;

/* A product result [rows][columns] = left [rows][depth] * right [depth][columns]. */
typedef struct tile_sizes {
    int rows, columns, depth;
    int left_along, right_along; /* channels along which loads are contiguous */
    bool left_is_transposed;     /* these are rows of the left matrix, and not its depth */
} tile_sizes;

/* Work-items of a work-group. */
int tile_items(const tile_parameters *tile);

/* Whether the device has room for such work-groups, and their loads go with these sizes. */
bool tile_is_possible(const rncl_context *context, const tile_sizes *sizes, const tile_parameters *tile);

/* Whether the compiler can be asked for twice the registers: Intel's, where it can be asked for sub-groups.
 */
bool tile_has_large_registers(const rncl_context *context);

/* The tile for this device and `products` products of these sizes in one launch, always possible, and the
 * shares of their depth; one if it must stay whole. */
tile_parameters tile_preset(const rncl_context *context, const tile_sizes *sizes, int products, bool whole,
                            int *split);

/* Most shares that are worth trying: a power of two. */
int tile_most_split(const tile_sizes *sizes, int products);

#endif
