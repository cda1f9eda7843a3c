/* Winograd's F(4x4, 3x3) convolution with stride 1 (Lavin and Gray 2016, section 4.1), all three stages in one kernel, so that
 * what is transformed stays in a core's cache. Also the input gradient, on flipped and transposed filters.
 *
 * A tile is 4x4 pixels of y, which hang on 6x6 of x; in the transformed domain they are 36 independent products. A work-group
 * is one work-item; work-item g takes every get_global_size(0)-th block of shape.tiles tiles. In its part of the scratch it
 *   1. transforms the tiles of x:   inputs [36][tiles][c]
 *   2. for each KB output channels multiplies them by the transformed filters: products [36][tiles][KB]
 *   3. and transforms those into pixels of y.
 * packed: transformed filters [k / KB][36][c][KB], KB = KV * VW. scratch: 36 * tiles * (c + KB) floats a work-item.
 *
 * Tunable: VW floats a vector (divides c and k), KV vectors of output channels and PT tiles in the register block; tiles is
 * a multiple of PT. */
#include "common.clh"

#ifndef KV
#define KV 1
#endif
#ifndef PT
#define PT 4
#endif
#define KB (KV * VW)

/* out = B^T in, for one column of six. */
static void transform_six(vfloat *out, int step, vfloat d0, vfloat d1, vfloat d2, vfloat d3, vfloat d4, vfloat d5)
{
    const vfloat even = d4 - 4.0f * d2, odd = d3 - 4.0f * d1, near = d4 - d2, far = 2.0f * (d3 - d1);
    out[0 * step] = 4.0f * d0 - 5.0f * d2 + d4;
    out[1 * step] = even + odd;
    out[2 * step] = even - odd;
    out[3 * step] = near + far;
    out[4 * step] = near - far;
    out[5 * step] = 4.0f * d1 - 5.0f * d3 + d5;
}

/* out = A^T in, for one column of six. */
static void transform_four(vfloat *out, int step, vfloat m0, vfloat m1, vfloat m2, vfloat m3, vfloat m4, vfloat m5)
{
    const vfloat near = m1 + m2, skew = m1 - m2, far = m3 + m4, far_skew = m3 - m4;
    out[0 * step] = m0 + near + far;
    out[1 * step] = skew + 2.0f * far_skew;
    out[2 * step] = near + 4.0f * far;
    out[3 * step] = skew + 8.0f * far_skew + m5;
}

typedef struct tile_place {
    int image, row, column; /* of its first pixel of y */
} tile_place;

static tile_place place_of(rncl_winograd_shape shape, int tile)
{
    const int across = (shape.q + 3) / 4, down = (shape.p + 3) / 4;
    const tile_place place = {tile / (across * down), tile / across % down * 4, tile % across * 4};
    return place;
}

static void transform_input(rncl_winograd_shape shape, __global const float *x, tile_place place, __global float *inputs)
{
    __global const float *image = x + (size_t)place.image * shape.h * shape.w * shape.c;
    const int top = place.row - shape.pad, left = place.column - shape.pad;
    for (int c = 0; c < shape.c; c += VW) {
        vfloat patch[36], half_way[36], out[6];
        /* Not unrolled: thirty-six border cases would take longer to compile than to run. */
        #pragma unroll 1
        for (int i = 0; i < 36; i++) {
            const int row = top + i / 6, column = left + i % 6;
            const int inside = row >= 0 && row < shape.h && column >= 0 && column < shape.w;
            patch[i] = inside ? VLOAD(image + ((size_t)row * shape.w + column) * shape.c + c) : (vfloat)(0.0f);
        }
        #pragma unroll
        for (int j = 0; j < 6; j++)
            transform_six(half_way + j, 6, patch[j], patch[6 + j], patch[12 + j], patch[18 + j], patch[24 + j], patch[30 + j]);
        #pragma unroll
        for (int i = 0; i < 6; i++) {
            const vfloat *row = half_way + 6 * i;
            transform_six(out, 1, row[0], row[1], row[2], row[3], row[4], row[5]);
            #pragma unroll
            for (int j = 0; j < 6; j++)
                VSTORE(out[j], inputs + (size_t)(i * 6 + j) * shape.tiles * shape.c + c);
        }
    }
}

/* products [tiles][KB] = inputs [tiles][c] filters [c][KB], of one of the 36 positions. */
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
    vfloat half_way[24], out[4];
    #pragma unroll
    for (int j = 0; j < 6; j++) {
        __global const float *from = products + (size_t)j * shape.tiles * KB;
        const size_t down = (size_t)6 * shape.tiles * KB;
        transform_four(half_way + j, 6, VLOAD(from), VLOAD(from + down), VLOAD(from + 2 * down), VLOAD(from + 3 * down),
                       VLOAD(from + 4 * down), VLOAD(from + 5 * down));
    }
    #pragma unroll
    for (int i = 0; i < 4; i++) {
        const vfloat *row = half_way + 6 * i;
        transform_four(out, 1, row[0], row[1], row[2], row[3], row[4], row[5]);
        #pragma unroll
        for (int j = 0; j < 4; j++)
            if (place.row + i < shape.p && place.column + j < shape.q) {
                __global float *to = y + (((size_t)place.image * shape.p + place.row + i) * shape.q + place.column + j) *
                                             shape.k + k;
                VSTORE(accumulate ? VLOAD(to) + out[j] : out[j], to);
            }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_winograd(const rncl_winograd_shape shape, __global const float *restrict x,
                   __global const float *restrict packed, const int packed_offset, __global float *restrict y,
                   __global float *restrict scratch, const int accumulate)
{
    const int all = shape.n * ((shape.p + 3) / 4) * ((shape.q + 3) / 4);
    __global float *inputs = scratch + (size_t)get_global_id(0) * 36 * shape.tiles * (shape.c + KB);
    __global float *products = inputs + (size_t)36 * shape.tiles * shape.c;
    for (int first = get_global_id(0) * shape.tiles; first < all; first += get_global_size(0) * shape.tiles) {
        /* A last block that is not full repeats its last tile. */
        for (int t = 0; t < shape.tiles; t++)
            transform_input(shape, x, place_of(shape, min(first + t, all - 1)), inputs + (size_t)t * shape.c);
        for (int block = 0; block < shape.k / KB; block++) {
            __global const float *filters = packed + packed_offset + (size_t)block * 36 * shape.c * KB;
            for (int position = 0; position < 36; position++)
                multiply(shape.tiles, shape.c, inputs + (size_t)position * shape.tiles * shape.c, filters + (size_t)position * shape.c * KB,
                         products + (size_t)position * shape.tiles * KB);
            for (int t = 0; t < min(shape.tiles, all - first); t++)
                for (int v = 0; v < KV; v++)
                    transform_output(shape, products + t * KB + v * VW, place_of(shape, first + t), block * KB + v * VW, y,
                                     accumulate);
        }
    }
}
