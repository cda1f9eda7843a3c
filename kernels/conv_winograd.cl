/* Winograd's convolution with stride 1, all three stages in one kernel, so that what is transformed stays in a core's cache.
 * Also the input gradient, on flipped and transposed filters.
 *
 * A work-group is one work-item. Work-item (g, h) takes every get_global_size(0)-th block of shape.tiles tiles and the h-th
 * of get_global_size(1) shares of the output channels. In its part of the scratch it
 *   1. transforms the tiles of x:   inputs [POSITIONS][tiles][c]
 *   2. for each KB output channels multiplies them by the transformed filters: products [POSITIONS][tiles][KB]
 *   3. and transforms those into pixels of y.
 * packed: transformed filters [k / KB][POSITIONS][c][KB]. scratch: POSITIONS * tiles * (c + KB) floats a work-item.
 *
 * Tunable: PT tiles in the register block; tiles is a multiple of PT. */
#include "conv_winograd.clh"

#ifndef PT
#define PT 4
#endif

/* products [tiles][KB] = inputs [tiles][c] filters [c][KB], of one position. */
static void multiply(int tiles, int c, __global const float *restrict inputs, __global const float *restrict filters,
                     __global float *restrict products)
{
    for (int tile = 0; tile < tiles; tile += PT) {
        __global const float *in = inputs + (size_t)tile * c;
        vfloat sum[PT][KV];
        #pragma unroll
        for (int i = 0; i < PT; i++)
            #pragma unroll
            for (int v = 0; v < KV; v++)
                sum[i][v] = (vfloat)(0.0f);
        for (int j = 0; j < c; j++) {
            vfloat filter[KV];
            #pragma unroll
            for (int v = 0; v < KV; v++)
                filter[v] = VLOAD(filters + (size_t)j * KB + v * VW);
            #pragma unroll
            for (int i = 0; i < PT; i++) {
                const vfloat value = (vfloat)(in[i * c + j]);
                #pragma unroll
                for (int v = 0; v < KV; v++)
                    sum[i][v] = fma(value, filter[v], sum[i][v]);
            }
        }
        #pragma unroll
        for (int i = 0; i < PT; i++)
            #pragma unroll
            for (int v = 0; v < KV; v++)
                VSTORE(sum[i][v], products + (size_t)(tile + i) * KB + v * VW);
    }
}

/* One tile of y, VW channels from `k` on; pixels beyond the edge are left out. */
static void transform_output(rncl_winograd_shape shape, __global const float *products, tile_place place, int k,
                             __global float *y, int accumulate)
{
    vfloat tile[POSITIONS];
    #pragma unroll
    for (int i = 0; i < POSITIONS; i++)
        tile[i] = VLOAD(products + (size_t)i * shape.tiles * KB);
    TRANSFORM_BOTH_SIDES(output_column, tile, SIDE, M);
    #pragma unroll
    for (int i = 0; i < M; i++)
        #pragma unroll
        for (int j = 0; j < M; j++)
            if (place.row + i < shape.p && place.column + j < shape.q) {
                __global float *to = y + (((size_t)place.image * shape.p + place.row + i) * shape.q + place.column + j) *
                                             shape.k + k;
                VSTORE(accumulate ? VLOAD(to) + tile[i * SIDE + j] : tile[i * SIDE + j], to);
            }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_winograd(const rncl_winograd_shape shape, __global const float *restrict x,
                   __global const float *restrict packed, const int packed_offset, __global float *restrict y,
                   __global float *restrict scratch, const int accumulate)
{
    const int all = shape.n * ((shape.p + M - 1) / M) * ((shape.q + M - 1) / M);
    const int item = get_global_id(1) * get_global_size(0) + get_global_id(0);
    const int blocks = shape.k / KB;
    const int first_block = blocks * get_global_id(1) / get_global_size(1);
    const int last_block = blocks * (get_global_id(1) + 1) / get_global_size(1);
    __global float *inputs = scratch + (size_t)item * POSITIONS * shape.tiles * (shape.c + KB);
    __global float *products = inputs + (size_t)POSITIONS * shape.tiles * shape.c;
    for (int first = get_global_id(0) * shape.tiles; first < all; first += get_global_size(0) * shape.tiles) {
        /* A last block that is not full repeats its last tile. */
        for (int t = 0; t < shape.tiles; t++)
            for (int c = 0; c < shape.c; c += VW)
                transform_input(shape, x, place_of(shape, min(first + t, all - 1)), c, inputs + (size_t)t * shape.c + c,
                                (size_t)shape.tiles * shape.c);
        for (int block = first_block; block < last_block; block++) {
            __global const float *filters = packed + packed_offset + (size_t)block * POSITIONS * shape.c * KB;
            for (int position = 0; position < POSITIONS; position++)
                multiply(shape.tiles, shape.c, inputs + (size_t)position * shape.tiles * shape.c,
                         filters + (size_t)position * shape.c * KB, products + (size_t)position * shape.tiles * KB);
            for (int t = 0; t < min(shape.tiles, all - first); t++)
                for (int v = 0; v < KV; v++)
                    transform_output(shape, products + t * KB + v * VW, place_of(shape, first + t), block * KB + v * VW, y,
                                     accumulate);
        }
    }
}
