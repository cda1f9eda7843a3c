/* Winograd's convolution with stride 1 or 2, all three stages in one kernel, so that what is transformed
 * stays in a core's cache. Also the input gradient, on flipped and transposed filters.
 *
 * A work-group is one work-item. Work-item (g, h) takes every get_global_size(0)-th block of shape.tiles
 * tiles and the h-th of get_global_size(1) shares of the output channels. In its part of the scratch it
 *   1. transforms the tiles of x:   inputs [POSITIONS][tiles][c]
 *   2. for each KB output channels multiplies them by the transformed filters: products
 * [POSITIONS][tiles][KB]
 *   3. and transforms those into pixels of y.
 * filters: PACKED transformed ones [k / KB][FILTERS][c][KB], else as they are; each block is then transformed
 * when it is wanted, and not kept in memory, where many channels take long to come from. scratch: POSITIONS *
 * (INPUT_STEP + PRODUCT_STEP) + (PACKED ? 0 : FILTERS * FILTER_STEP) floats a work-item.
 *
 * Tunable: PT tiles in the register block; tiles is a multiple of PT. */
#include "conv/winograd_filters.clh"
#include "statistics.clh"

#ifndef PT
#define PT 4
#endif
#ifndef PACKED
#define PACKED 1
#endif

/* Floats from position to position. */
#define INPUT_STEP(shape) ((size_t)shape.tiles * shape.c + RNCL_CACHE_GAP)
#define PRODUCT_STEP(shape) ((size_t)shape.tiles * KB + RNCL_CACHE_GAP)

/* products [tiles][KB] = inputs [tiles][c] filters [c][KB], of one position. */
static void multiply(int tiles, int c, __global const float *restrict inputs,
                     __global const float *restrict filters, __global float *restrict products)
{
    for (int tile = 0; tile < tiles; tile += PT) {
        __global const float *in = inputs + (size_t)tile * c;
        vfloat sum[PT][KV];
        UNROLL_FOR (i, PT)
            UNROLL_FOR (v, KV)
                sum[i][v] = (vfloat)(0.0f);
        for (int j = 0; j < c; j++) {
            vfloat filter[KV];
            UNROLL_FOR (v, KV)
                filter[v] = VLOAD(filters + (size_t)j * KB + v * VW);
            UNROLL_FOR (i, PT) {
                const vfloat value = (vfloat)(in[i * c + j]);
                UNROLL_FOR (v, KV)
                    sum[i][v] = fma(value, filter[v], sum[i][v]);
            }
        }
        UNROLL_FOR (i, PT)
            UNROLL_FOR (v, KV)
                VSTORE(sum[i][v], products + (size_t)(tile + i) * KB + v * VW);
    }
}

/* One tile of y, VW channels; pixels beyond the edge are left out. */
static void store_output(rncl_winograd_shape shape, const vfloat *tile, tile_place place, int k,
                         __global float *y, int accumulate)
{
    UNROLL_FOR (i, TILE)
        UNROLL_FOR (j, TILE)
            if (place.row + i < shape.p && place.column + j < shape.q) {
                __global float *to =
                    y +
                    (((size_t)place.image * shape.p + place.row + i) * shape.q + place.column + j) * shape.k +
                    k;
                VSTORE(accumulate ? VLOAD(to) + tile[i * SIDE + j] : tile[i * SIDE + j], to);
            }
}

/* Adds what of a tile lies inside, `rows` x `columns` pixels, to the statistics of `before` pixels. */
static void gather_statistics(const vfloat *tile, int rows, int columns, vfloat *mean, vfloat *deviations,
                              int before)
{
    const float count = (float)(rows * columns);
    vfloat tile_mean = (vfloat)(0.0f), tile_deviations = (vfloat)(0.0f);
    UNROLL_FOR (i, TILE * TILE)
        if (i / TILE < rows && i % TILE < columns)
            tile_mean += tile[i / TILE * SIDE + i % TILE];
    tile_mean /= count;
    UNROLL_FOR (i, TILE * TILE)
        if (i / TILE < rows && i % TILE < columns) {
            const vfloat d = tile[i / TILE * SIDE + i % TILE] - tile_mean;
            tile_deviations = fma(d, d, tile_deviations);
        }
    join_statistics(mean, deviations, (float)before, &tile_mean, &tile_deviations, count);
}

/* Products of `count` tiles from the first-th on into VW channels of y from k on. part: where the statistics
 * of those channels over `before` pixels lie, and then those of these tiles too; NULL: not wanted. Returns
 * how many pixels that are. */
static int transform_outputs(rncl_winograd_shape shape, __global const float *products, int first, int count,
                             int k, __global float *y, __global float *part, int before, int accumulate)
{
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
        store_output(shape, tile, place, k, y, accumulate);
        if (part)
            gather_statistics(tile, rows, columns, &mean, &deviations, before);
        before += rows * columns;
    }
    if (part) {
        VSTORE(mean, part + k);
        VSTORE(deviations, part + shape.k + k);
    }
    return before;
}

/* statistics: of y, a part for each get_global_id(0); NULL: not wanted. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_winograd(const rncl_winograd_shape shape, __global const float *restrict x, const rncl_pack_shape pack,
              __global const float *restrict filters, const int filters_offset, __global float *restrict y,
              __global float *restrict scratch, __global float *restrict statistics, const int accumulate)
{
    const int all = shape.n * ((shape.p + TILE - 1) / TILE) * ((shape.q + TILE - 1) / TILE);
    const int item = get_global_id(1) * get_global_size(0) + get_global_id(0);
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    const size_t item_floats =
        POSITIONS * (INPUT_STEP(shape) + PRODUCT_STEP(shape)) + (PACKED ? 0 : FILTERS * FILTER_STEP(shape.c));
    __global float *inputs = scratch + item * item_floats;
    __global float *products = inputs + POSITIONS * INPUT_STEP(shape);
    __global float *own_filters = products + POSITIONS * PRODUCT_STEP(shape); /* only if not PACKED */
    __local float turned[PACKED ? 1 : TURNED_FLOATS];
    __global float *part =
        statistics ? statistics + statistics_at(get_global_size(0), get_global_id(0), shape.k) : 0;
    int pixels = 0;
    for (int first = get_global_id(0) * shape.tiles; first < all; first += get_global_size(0) * shape.tiles) {
        /* A last block that is not full repeats its last tile. */
        for (int t = 0; t < shape.tiles; t++)
            for (int c = 0; c < shape.c; c += VW)
                transform_input(shape, x, place_of(shape, min(first + t, all - 1)), c,
                                inputs + (size_t)t * shape.c + c, INPUT_STEP(shape));
        const int before = pixels;
        for (int block = first_block; block < last_block; block++) {
            __global const float *transformed =
                PACKED ? filters + filters_offset + block * FILTERS * FILTER_STEP(shape.c) : own_filters;
            for (int c = 0; !PACKED && c < shape.c; c += VW)
                transform_filters(pack, filters, c, block, own_filters, turned);
            for (int position = 0; position < POSITIONS; position++)
                multiply(shape.tiles, shape.c, inputs + position * INPUT_STEP(shape),
                         transformed + FILTER_OF(position) * FILTER_STEP(shape.c),
                         products + position * PRODUCT_STEP(shape));
            for (int v = 0; v < KB; v += VW)
                pixels = transform_outputs(shape, products + v, first, min(shape.tiles, all - first),
                                           block * KB + v, y, part, before, accumulate);
        }
    }
    if (statistics && get_global_id(1) == 0)
        statistics[get_global_id(0)] = (float)pixels;
}
