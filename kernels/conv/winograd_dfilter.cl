/* The filter gradient by Winograd's method, F(3 x 3, M x M): the transformed tiles of x and dy, multiplied
 * and summed over all tiles of the batch.
 *
 * A work-group is one work-item. Work-item (g, h) takes the g-th of get_global_size(0) shares of the tiles,
 * in blocks of shape.tiles, and the h-th of get_global_size(1) shares of the output channels. In its part of
 * the scratch it
 *   1. transforms the tiles of x:    inputs [POSITIONS][c / VW][tiles][VW]
 *   2. transforms those of dy:       gradients [own k / KB][POSITIONS][tiles][KB]
 *   3. for VW input and KB output channels at a time, multiplies: products [FILTERS][VW][KB], each the sum
 * over its positions
 *   4. and transforms those into taps of dfilter, which it adds to the sums of its share of the tiles.
 * with a gap after each position. sums: [get_global_size(0)][3][3][c][k].
 *
 * Tunable: CB input channels in the register block; divides VW. */
#include "conv/winograd.clh"

#ifndef CB
#define CB 1
#endif

/* Floats from position to position. */
#define INPUT_STEP(shape, tiles) ((size_t)(tiles)*shape.c + RNCL_CACHE_GAP)
#define GRADIENT_STEP(tiles) ((size_t)(tiles)*KB + RNCL_CACHE_GAP)
#define PRODUCT_STEP (VW * KB + RNCL_CACHE_GAP)

/* Whether an earlier position has the same filter. */
#define IS_LATER(position) ((position) / SIDE >= FILTER_SIDE || (position) % SIDE >= FILTER_SIDE)

static void transform_gradient(rncl_winograd_shape shape, __global const float *dy, tile_place place, int k,
                               __global float *to, size_t step)
{
    vfloat tile[POSITIONS];
    __global const float *image = dy + (size_t)place.image * shape.p * shape.q * shape.k + k;
    LOAD_PATCH(tile, TILE, image, shape.p, shape.q, shape.k, place.row, place.column);
    ask_for_pixels(image, shape.q, shape.k, place.row, place.column + TILE, TILE, TILE);
    TRANSFORM_BOTH_SIDES(gradient_column, tile, TILE, SIDE);
    UNROLL_FOR (i, POSITIONS)
        VSTORE(tile[i], to + i * step);
}

/* products [VW][KB] = the sum over tiles of inputs [tiles][VW] times gradients [tiles][KB], of one position;
 * added to what is there or put there. */
static void multiply(int tiles, __global const float *restrict inputs,
                     __global const float *restrict gradients, __global float *restrict products, int add)
{
    for (int c = 0; c < VW; c += CB) {
        vfloat sum[CB][KV];
        UNROLL_FOR (i, CB)
            UNROLL_FOR (v, KV)
                sum[i][v] = add ? VLOAD(products + (c + i) * KB + v * VW) : (vfloat)(0.0f);
        __global const float *in = inputs + c, *from = gradients;
        for (int t = 0; t < tiles; t++, in += VW, from += KB) {
            vfloat gradient[KV];
            UNROLL_FOR (v, KV)
                gradient[v] = VLOAD(from + v * VW);
            UNROLL_FOR (i, CB) {
                const vfloat value = (vfloat)(in[i]);
                UNROLL_FOR (v, KV)
                    sum[i][v] = fma(value, gradient[v], sum[i][v]);
            }
        }
        UNROLL_FOR (i, CB)
            UNROLL_FOR (v, KV)
                VSTORE(sum[i][v], products + (c + i) * KB + v * VW);
    }
}

/* The nine taps of one input channel and VW output channels, added to `to` or put there. */
static void transform_dfilter(__global const float *products, __global float *to, size_t tap_step, int add)
{
    vfloat tile[POSITIONS];
    UNROLL_FOR (i, FILTERS)
        tile[i / FILTER_SIDE * SIDE + i % FILTER_SIDE] = VLOAD(products + i * PRODUCT_STEP);
    TRANSFORM_BOTH_SIDES(dfilter_column, tile, FILTER_SIDE, 3);
    UNROLL_FOR (i, 9) {
        __global float *tap = to + i * tap_step;
        const vfloat value = tile[i / 3 * SIDE + i % 3];
        VSTORE(add ? VLOAD(tap) + value : value, tap);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd_dfilter(const rncl_winograd_shape shape, __global const float *restrict x,
                      __global const float *restrict dy, __global float *restrict sums,
                      __global float *restrict scratch, const int scratch_floats, const int accumulate)
{
    const int all = shape.n * ((shape.p + TILE - 1) / TILE) * ((shape.q + TILE - 1) / TILE);
    const int first_tile = (int)((long)all * get_global_id(0) / get_global_size(0));
    const int last_tile = (int)((long)all * (get_global_id(0) + 1) / get_global_size(0));
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    const int item = get_global_id(1) * get_global_size(0) + get_global_id(0);
    __global float *inputs = scratch + (size_t)item * scratch_floats;
    __global float *gradients = inputs + POSITIONS * INPUT_STEP(shape, shape.tiles);
    __global float *products =
        gradients + (last_block - first_block) * POSITIONS * GRADIENT_STEP(shape.tiles);
    __global float *dfilter = sums + (size_t)get_global_id(0) * 9 * shape.c * shape.k;

    for (int first = first_tile; first < last_tile; first += shape.tiles) {
        const int tiles = min(shape.tiles, last_tile - first);
        const int add = accumulate || first > first_tile;
        for (int t = 0; t < tiles; t++) {
            const tile_place place = place_of(shape, first + t);
            for (int c = 0; c < shape.c; c += VW)
                transform_input(shape, x, place, c, inputs + ((size_t)c * tiles + t * VW),
                                INPUT_STEP(shape, tiles));
            for (int k = first_block * KB; k < last_block * KB; k += VW) {
                const int block = k / KB;
                transform_gradient(shape, dy, place, k,
                                   gradients + (block - first_block) * POSITIONS * GRADIENT_STEP(tiles) +
                                       t * KB + (k - block * KB),
                                   GRADIENT_STEP(tiles));
            }
        }
        for (int block = first_block; block < last_block; block++)
            for (int c = 0; c < shape.c; c += VW) {
                for (int position = 0; position < POSITIONS; position++)
                    multiply(tiles, inputs + position * INPUT_STEP(shape, tiles) + (size_t)c * tiles,
                             gradients +
                                 ((block - first_block) * POSITIONS + position) * GRADIENT_STEP(tiles),
                             products + FILTER_OF(position) * PRODUCT_STEP, IS_LATER(position));
                for (int i = 0; i < VW; i++)
                    for (int v = 0; v < KV; v++)
                        transform_dfilter(products + i * KB + v * VW,
                                          dfilter + (size_t)(c + i) * shape.k + block * KB + v * VW,
                                          (size_t)shape.c * shape.k, add);
            }
    }
}
