/* Winograd's convolution with stride 1 or 2 (conv/winograd.clh), all three stages in one kernel, so that the
 * transformed values stay in a core's cache. Also the input gradient: there x is dy, y is dx, and the filter
 * is rotated by half a turn with its channels exchanged.
 *
 * A work-group is one work-item. Work-item (g, h) takes every get_global_size(0)-th block of shape.tiles
 * tiles, from the g-th on, for the h-th of get_global_size(1) equal shares of the output channels. For each
 * block it
 *   1. transforms the patches of x:             inputs [POSITIONS][tiles][c / HALVES]
 *   2. for each KB = KV * VW output channels multiplies them by the transformed filter, PT tiles at a time:
 *                                               products [POSITIONS][tiles][KB]
 *   3. and transforms the products into pixels of y.
 *
 * shape       see rncl_winograd_shape; tiles is a multiple of PT; VW divides c and k
 * x           [n][h][w][c]
 * pack        how the filter is transformed, see rncl_pack_shape; only if not PACKED
 * filters     from filters_offset (floats) on, if PACKED: the transformed filter as in
 *             conv/winograd_filters.clh. Else the filter [3][3][c][k]
 * y           [n][p][q][k]
 * scratch     item_floats (below) for each work-item:
 *
 *               | inputs                 | products                 | transformed filter    | values
 *               | POSITIONS * INPUT_STEP | POSITIONS * PRODUCT_STEP | FILTERS * FILTER_STEP | POSITIONS * c
 *                                                                     if not PACKED           if FIXED
 *
 * FIXED: inputs and filters are words of two channels (conv/fixed.clh). Behind the tiles of a position are
 * their steps, inputs [tiles]; `values` [POSITIONS][c] is a tile before it is rounded.
 *
 * statistics  of y as in statistics.clh, a part for each g; NULL: not wanted
 * accumulate  0: y is set, 1: added to
 * coefficients, residual   see conv/epilogue.clh; NULL without an epilogue */

/* Tiles of the register block, from 1 on. */
#ifndef PT
#define PT 4
#endif
/* 1: the filter was transformed before (conv/winograd_pack.cl). 0: each block of KB output channels is
 * transformed on the fly, which is cheaper than reading it back where there are many channels. */
#ifndef PACKED
#define PACKED 1
#endif
#define BLOCK_ROWS PT

#include "conv/winograd_filters.clh"

#include "conv/epilogue.clh"
#include "statistics.clh"

/* Floats from position to position. */
#define INPUT_STEP(shape) ((size_t)shape.tiles * (shape.c / HALVES + FIXED) + RNCL_CACHE_GAP)
#define PRODUCT_STEP(shape) ((size_t)shape.tiles * KB + RNCL_CACHE_GAP)

#if FIXED
/* Transforms the patch of a tile. words: of its channels at position 0; step: where the tile's step there
 * goes; those of the next position are INPUT_STEP behind. */
static void transform_to_words(rncl_winograd_shape shape, __global const element *x, tile_place place,
                               __global float *values, __global float *words, __global float *step)
{
    for (int c = 0; c < shape.c; c += VW)
        transform_input(shape, x, place, c, values + c, shape.c);
    for (int i = 0; i < POSITIONS; i++) {
        vint sizes = (vint)(as_int(LEAST_ROW));
        for (int c = 0; c < shape.c; c += VW) {
            const vfloat value = VLOAD(values + (size_t)i * shape.c + c);
            grow(&sizes, &value);
        }
        const float size = as_float(largest_of(&sizes));
        const vfloat scale = (vfloat)(LARGEST_INPUT / size);
        step[i * INPUT_STEP(shape)] = size / LARGEST_INPUT;
        for (int c = 0; c < shape.c; c += VW) {
            const vfloat value = VLOAD(values + (size_t)i * shape.c + c);
            store_words(&value, &scale, words + i * INPUT_STEP(shape) + c / 2);
        }
    }
}

/* products [tiles][KB] = inputs [tiles][depth] * filters [depth][KB], of one position, times the steps behind
 * both. */
static void multiply(int tiles, int depth, __global const float *restrict inputs,
                     __global const float *restrict filters, __global float *restrict products)
{
    for (int tile = 0; tile < tiles; tile += PT)
        for (int first = 0; first < depth; first += WORDS_A_SUM) {
            const size_t row = depth, count = min(depth - first, WORDS_A_SUM);
            __global const float *in = inputs + tile * row + first, *from = filters + (size_t)first * KB;
            __global const float *steps = inputs + tiles * row + tile, *words_of[PT];
            __global float *to = products + (size_t)tile * KB;
            vint sum[PT][KV];
            UNROLL_FOR (i, PT) {
                words_of[i] = in + i * row;
                KEEP_ROW(words_of[i]);
                UNROLL_FOR (v, KV)
                    sum[i][v] = (vint)(0);
            }
            size_t j = 0;
            do /* c is a multiple of VW: there are whole groups of words. */
                UNROLL_FOR (u, WORDS) {
                    vint words[KV];
                    UNROLL_FOR (v, KV)
                        words[v] = PASTE(as_int, VW)(VLOAD(from + v * VW));
                    UNROLL_FOR (i, PT)
                        UNROLL_FOR (v, KV)
                            ADD_INTEGERS(sum[i][v], words_of[i][j + u], words[v]);
                    from += KB;
                }
            while ((j += WORDS) < count);
            UNROLL_FOR (i, PT)
                UNROLL_FOR (v, KV) {
                    const vfloat product = __builtin_convertvector(sum[i][v], vfloat) *
                                           (steps[i] * VLOAD(filters + row * KB + v * VW));
                    VSTORE(first ? VLOAD(to + i * KB + v * VW) + product : product, to + i * KB + v * VW);
                }
        }
}
#else
/* products [tiles][KB] = inputs [tiles][c] * filters [c][KB], of one position. */
static void multiply(int tiles, int c, __global const float *restrict inputs,
                     __global const float *restrict filters, __global float *restrict products)
{
    for (int tile = 0; tile < tiles; tile += PT) {
        __global const float *in = inputs + (size_t)tile * c;
        vfloat sum[PT][KV];
        clear_block(sum);
        for (int j = 0; j < c; j++)
            ADD_OUTER_PRODUCT(sum, filters + (size_t)j * KB, i, in[i * c + j]);
        store_block(sum, products + (size_t)tile * KB, KB);
    }
}
#endif

/* Stores VW channels of the first `rows` x `columns` pixels of a tile. All pointers are to the first of these
 * channels. */
static void store_output(rncl_winograd_shape shape, const vfloat *tile, tile_place place, int rows,
                         int columns, __global element *y, __global const float *coefficients,
                         __global const element *residual, int accumulate)
{
    UNROLL_FOR (i, TILE)
        UNROLL_FOR (j, TILE)
            if (i < rows && j < columns) {
                const size_t at =
                    (((size_t)place.image * shape.p + place.row + i) * shape.q + place.column + j) * shape.k;
                vfloat value = accumulate ? ELOAD(y + at) + tile[i * SIDE + j] : tile[i * SIDE + j];
                finish(&value, coefficients, shape.k, residual + at);
                ESTORE(value, y + at);
            }
}

/* Transforms the products of tiles first … first + count - 1 into VW channels of y from k on. part: the
 * statistics of y in which those channels of `before` pixels are, and afterwards those of these tiles too;
 * NULL: not wanted. Returns the number of pixels so far. */
static int transform_outputs(rncl_winograd_shape shape, __global const float *products, int first, int count,
                             int k, __global element *y, __global const float *coefficients,
                             __global const element *residual, __global float *part, int before,
                             int accumulate)
{
    const pixel_block block = {.height = TILE, .width = TILE, .row_step = SIDE, .column_step = 1};
    vfloat mean = (vfloat)(0.0f), deviations = (vfloat)(0.0f);
    if (part && before) {
        mean = VLOAD(part + k);
        deviations = VLOAD(part + shape.k + k);
    }
    for (int t = 0; t < count; t++) {
        const tile_place place = place_of(shape, first + t);
        const int rows = min(TILE, shape.p - place.row), columns = min(TILE, shape.q - place.column);
        vfloat tile[POSITIONS];
        UNROLL_FOR (i, POSITIONS)
            tile[i] = VLOAD(products + i * PRODUCT_STEP(shape) + t * KB);
        TRANSFORM_BOTH_SIDES(output_column, tile, SIDE, TILE);
        store_output(shape, tile, place, rows, columns, y + k, coefficients + k, residual + k, accumulate);
        if (part)
            gather_statistics(block, tile, rows, columns, &mean, &deviations, before);
        before += rows * columns;
    }
    if (part) {
        VSTORE(mean, part + k);
        VSTORE(deviations, part + shape.k + k);
    }
    return before;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd(const rncl_winograd_shape shape, __global const element *restrict x, const rncl_pack_shape pack,
              __global const float *restrict filters, const int filters_offset, __global element *restrict y,
              __global float *restrict scratch, __global float *restrict statistics, const int accumulate,
              __global const float *restrict coefficients, __global const element *restrict residual)
{
    const int all = shape.n * ((shape.p + TILE - 1) / TILE) * ((shape.q + TILE - 1) / TILE);
    const int item = get_global_id(1) * get_global_size(0) + get_global_id(0);
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    const size_t item_floats = POSITIONS * (INPUT_STEP(shape) + PRODUCT_STEP(shape) + FIXED * shape.c) +
                               (PACKED ? 0 : FILTERS * FILTER_STEP(shape.c));
    __global float *inputs = scratch + item * item_floats;
    __global float *products = inputs + POSITIONS * INPUT_STEP(shape);
    __global float *own_filters = products + POSITIONS * PRODUCT_STEP(shape);
#if FIXED
    __global float *values = scratch + (item + 1) * item_floats - POSITIONS * shape.c;
#endif
    __local float ALIGNED taps[PACKED ? 1 : TAPS_FLOATS];
    __global float *part =
        statistics ? statistics + statistics_at(get_global_size(0), get_global_id(0), shape.k) : 0;
    int pixels = 0;
    for (int first = get_global_id(0) * shape.tiles; first < all; first += get_global_size(0) * shape.tiles) {
        /* A last block that is not full repeats its last tile. */
        for (int t = 0; t < shape.tiles; t++) {
            const tile_place place = place_of(shape, min(first + t, all - 1));
#if FIXED
            transform_to_words(shape, x, place, values, inputs + (size_t)t * shape.c / 2,
                               inputs + shape.tiles * shape.c / 2 + t);
#else
            for (int c = 0; c < shape.c; c += VW)
                transform_input(shape, x, place, c, inputs + (size_t)t * shape.c + c, INPUT_STEP(shape));
#endif
        }
        const int before = pixels;
        for (int block = first_block; block < last_block; block++) {
            __global const float *transformed =
                PACKED ? filters + filters_offset + block * FILTERS * FILTER_STEP(shape.c) : own_filters;
            if (!PACKED)
                transform_block(pack, filters, block, own_filters, taps);
            for (int position = 0; position < POSITIONS; position++)
                multiply(shape.tiles, shape.c / HALVES, inputs + position * INPUT_STEP(shape),
                         transformed + FILTER_OF(position) * FILTER_STEP(shape.c),
                         products + position * PRODUCT_STEP(shape));
            for (int v = 0; v < KB; v += VW)
                pixels =
                    transform_outputs(shape, products + v, first, min(shape.tiles, all - first),
                                      block * KB + v, y, coefficients, residual, part, before, accumulate);
        }
    }
    if (statistics && get_global_id(1) == 0)
        statistics[get_global_id(0)] = (float)pixels;
}
