/* The filter gradient by Winograd's method, F(3 x 3, M x M) (conv/winograd.clh): the transformed tiles of x
 * and dy, multiplied and summed over all tiles of the batch. Stride 1 or 2.
 *
 * A work-group is one work-item. Work-item (g, h) sums over the g-th of get_global_size(0) equal shares of
 * the tiles, in blocks of shape.tiles, for the h-th of get_global_size(1) shares of the output channels. For
 * each block it
 *   1. transforms the patches of x:       inputs [POSITIONS][c / VW][tiles][VW]
 *   2. transforms the tiles of dy:        gradients [own k / KB][POSITIONS][tiles][KB]
 *   3. for each VW input and KB = KV * VW output channels multiplies the two, and sums over the tiles and
 *      over positions that share a filter value: products [FILTERS][VW][KB]
 *   4. and transforms the products into taps of dfilter, which it adds to its sum.
 *
 *   inputs:     | position 0                                             |     | position 1
 *               | channels 0 … VW - 1             | channels VW …        | gap | channels 0 …
 *               | tile 0     | tile 1     | …     | tile 0     | …       |     | tile 0     | …
 *                 VW           VW floats
 *
 * gradients and products likewise have a gap of RNCL_CACHE_GAP floats after each position.
 *
 * FIXED: inputs and gradients are words of two tiles (conv/fixed.clh), and behind the words of a block are
 * the steps of its channels. `values` [POSITIONS][tiles][VW] are those of VW channels before they are
 * rounded.
 *
 * shape           see rncl_winograd_shape; VW divides c and k
 * x               [n][h][w][c]
 * dy              [n][p][q][k]
 * sums            [get_global_size(0)][3][3][c][k], a sum for each share of the tiles, which conv/reduce.cl
 *                 adds. With one share it is dfilter itself
 * scratch         scratch_floats for each work-item: inputs, gradients, products and, if FIXED, values, one
 *                 after the other
 * accumulate      0: sums are set, 1: added to */

/* Input channels of the register block: divides VW. */
#ifndef CB
#define CB 1
#endif
#define BLOCK_ROWS CB

#include "conv/fixed.clh"
#include "conv/register_block.clh"
#include "conv/winograd.clh"

/* Words of a channel's tiles, or floats; and with the step behind them. */
#define LENGTH(tiles) (((tiles) + HALVES - 1) / HALVES)
#define ROWS(tiles) (LENGTH(tiles) + FIXED)

/* Floats from position to position. */
#define INPUT_STEP(shape, tiles) ((size_t)ROWS(tiles) * shape.c + RNCL_CACHE_GAP)
#define DY_STEP(tiles) ((size_t)ROWS(tiles) * KB + RNCL_CACHE_GAP)
#define PRODUCT_STEP (VW * KB + RNCL_CACHE_GAP)
#define VALUE_STEP(tiles) ((size_t)(tiles)*VW + RNCL_CACHE_GAP)

/* Whether an earlier position shares the filter value. */
#define IS_LATER(position) ((position) / SIDE >= FILTER_SIDE || (position) % SIDE >= FILTER_SIDE)

/* Transforms VW channels of dy from k on, of the tile at `place`. Positions are `step` floats apart. */
static void transform_dy(rncl_winograd_shape shape, __global const element *dy, tile_place place, int k,
                         __global float *to, size_t step)
{
    __global const element *image = dy + (size_t)place.image * shape.p * shape.q * shape.k + k;
    prefetch_pixels(image, shape.q, shape.k, place.row, place.column + TILE, TILE, TILE);
    TRANSFORM_PIXELS(dy_column, TILE, image, shape.p, shape.q, shape.k, place.row, place.column, to, step);
}

#if FIXED
/* Makes words and, behind them, steps of the values of VW channels, whose largest integer is `largest`. to:
 * where those of the first position begin; rows are `row` floats apart, positions `step`. */
static void make_words(int tiles, __global const float *values, float largest, __global float *to, int row,
                       size_t step)
{
    for (int i = 0; i < POSITIONS; i++) {
        vint sizes = (vint)(as_int(LEAST_ROW));
        for (int t = 0; t < tiles; t++) {
            const vfloat value = VLOAD(values + t * VW);
            grow(&sizes, &value);
        }
        const vfloat size = PASTE(as_float, VW)(sizes), scale = largest / size;
        for (int t = 0; t < tiles; t += 2) {
            const vfloat first = VLOAD(values + t * VW),
                         second = t + 1 < tiles ? VLOAD(values + (t + 1) * VW) : (vfloat)(0.0f);
            vfloat words;
            join_words(&words, &first, &second, &scale);
            VSTORE(words, to + t / 2 * row);
        }
        VSTORE(size / largest, to + LENGTH(tiles) * row);
        values += VALUE_STEP(tiles);
        to += step;
    }
}

/* products [VW][KB] = the sum over tiles of inputs [tiles][VW] times gradients [tiles][KB], of one position,
 * set or added to. */
static void multiply(int tiles, __global const float *restrict inputs,
                     __global const float *restrict gradients, __global float *restrict products, int add)
{
    const int length = LENGTH(tiles);
    __global const float *steps = inputs + length * VW, *dy_steps = gradients + length * KB;
    for (int c = 0; c < VW; c += CB)
        for (int first = 0; first < length; first += WORDS_A_SUM) {
            const int count = min(length - first, WORDS_A_SUM);
            __global const float *in = inputs + first * VW + c, *from = gradients + first * KB;
            vint sum[CB][KV];
            UNROLL_FOR (i, CB)
                UNROLL_FOR (v, KV)
                    sum[i][v] = (vint)(0);
            FOR_WORDS(t, count, {
                vint words[KV];
                UNROLL_FOR (v, KV)
                    words[v] = PASTE(as_int, VW)(VLOAD(from + v * VW));
                UNROLL_FOR (i, CB)
                    UNROLL_FOR (v, KV)
                        ADD_INTEGERS(sum[i][v], in[i], words[v]);
                in += VW;
                from += KB;
            });
            UNROLL_FOR (i, CB)
                UNROLL_FOR (v, KV) {
                    __global float *to = products + (c + i) * KB + v * VW;
                    const vfloat product = __builtin_convertvector(sum[i][v], vfloat) *
                                           (steps[c + i] * VLOAD(dy_steps + v * VW));
                    VSTORE(add || first ? VLOAD(to) + product : product, to);
                }
        }
}
#else
/* products [VW][KB] = the sum over tiles of inputs [tiles][VW] times gradients [tiles][KB], of one position,
 * set or added to. */
static void multiply(int tiles, __global const float *restrict inputs,
                     __global const float *restrict gradients, __global float *restrict products, int add)
{
    for (int c = 0; c < VW; c += CB) {
        __global const float *in = inputs + c, *from = gradients;
        vfloat sum[CB][KV];
        if (add)
            load_block(sum, products + c * KB, KB);
        else
            clear_block(sum);
        for (int t = 0; t < tiles; t++, in += VW, from += KB)
            ADD_OUTER_PRODUCT(sum, from, i, in[i]);
        store_block(sum, products + c * KB, KB);
    }
}
#endif

/* Transforms the products of one input and VW output channels into the nine taps, which are set or added to.
 */
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

/* A block of tiles, and the register blocks of output channels of this work-item. */
typedef struct tile_block {
    int first, tiles, first_block, last_block;
} tile_block;

#if FIXED
static void transform_block(rncl_winograd_shape shape, __global const element *x, __global const element *dy,
                            tile_block own, __global float *inputs, __global float *gradients,
                            __global float *values)
{
    const int tiles = own.tiles;
    for (int c = 0; c < shape.c; c += VW) {
        for (int t = 0; t < tiles; t++)
            transform_input(shape, x, place_of(shape, own.first + t), c, values + t * VW, VALUE_STEP(tiles));
        make_words(tiles, values, LARGEST_INPUT, inputs + (size_t)c * ROWS(tiles), VW,
                   INPUT_STEP(shape, tiles));
    }
    for (int k = own.first_block * KB; k < own.last_block * KB; k += VW) {
        for (int t = 0; t < tiles; t++)
            transform_dy(shape, dy, place_of(shape, own.first + t), k, values + t * VW, VALUE_STEP(tiles));
        make_words(tiles, values, LARGEST_FACTOR,
                   gradients + (k / KB - own.first_block) * POSITIONS * DY_STEP(tiles) + k % KB, KB,
                   DY_STEP(tiles));
    }
}
#else
static void transform_block(rncl_winograd_shape shape, __global const element *x, __global const element *dy,
                            tile_block own, __global float *inputs, __global float *gradients,
                            __global float *values)
{
    const int tiles = own.tiles;
    for (int t = 0; t < tiles; t++) {
        const tile_place place = place_of(shape, own.first + t);
        for (int c = 0; c < shape.c; c += VW)
            transform_input(shape, x, place, c, inputs + ((size_t)c * tiles + t * VW),
                            INPUT_STEP(shape, tiles));
        for (int k = own.first_block * KB; k < own.last_block * KB; k += VW)
            transform_dy(shape, dy, place, k,
                         gradients + (k / KB - own.first_block) * POSITIONS * DY_STEP(tiles) + t * KB +
                             k % KB,
                         DY_STEP(tiles));
    }
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd_dfilter(const rncl_winograd_shape shape, __global const element *restrict x,
                      __global const element *restrict dy, __global float *restrict sums,
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
    __global float *products = gradients + (last_block - first_block) * POSITIONS * DY_STEP(shape.tiles);
    __global float *values = products + FILTERS * PRODUCT_STEP;
    __global float *dfilter = sums + (size_t)get_global_id(0) * 9 * shape.c * shape.k;

    for (int first = first_tile; first < last_tile; first += shape.tiles) {
        const int tiles = min(shape.tiles, last_tile - first);
        const int add = accumulate || first > first_tile;
        const tile_block own = {first, tiles, first_block, last_block};
        transform_block(shape, x, dy, own, inputs, gradients, values);
        for (int block = first_block; block < last_block; block++)
            for (int c = 0; c < shape.c; c += VW) {
                for (int position = 0; position < POSITIONS; position++)
                    multiply(tiles, inputs + position * INPUT_STEP(shape, tiles) + (size_t)c * ROWS(tiles),
                             gradients + ((block - first_block) * POSITIONS + position) * DY_STEP(tiles),
                             products + FILTER_OF(position) * PRODUCT_STEP, IS_LATER(position));
                for (int i = 0; i < VW; i++)
                    for (int v = 0; v < KV; v++)
                        transform_dfilter(products + i * KB + v * VW,
                                          dfilter + (size_t)(c + i) * shape.k + block * KB + v * VW,
                                          (size_t)shape.c * shape.k, add);
            }
    }
}
