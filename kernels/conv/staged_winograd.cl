/* Winograd's convolution with stride 1 (conv/winograd.clh) in stages, a kernel for each, for devices that
 * want many small work-items (Lavin and Gray 2016, section 4.1, algorithm 1):
 *
 *   conv_staged_inputs    x                                    -> inputs [POSITIONS][tiles][c]
 *   conv_staged_filters   filter [3][3][c][k]                  -> packed [POSITIONS][in][out]
 *   conv_staged_dy        dy                                   -> gradients [POSITIONS][tiles][k]
 *     conv/tiled.cl or conv/mma.cl multiplies, as POSITIONS convolutions of 1x1
 *   conv_staged_outputs   products [POSITIONS][tiles][k]       -> y
 *   conv_staged_dfilter   products [shares][POSITIONS][c][k]   -> dfilter [3][3][c][k]
 *
 * For the input gradient, inputs are transformed from dy and outputs to dx, and c and k change places.
 *
 * A work-item transforms VW channels of one tile, of outputs of tiles_each, or of all nine taps; the next one
 * the next VW channels. VW divides all channels. Work-groups may have any size.
 *
 * Tensors of the network are elements (common.clh); all stages compute, and keep, floats.
 *
 * shape        see rncl_winograd_shape; the tiles are those of shape.n images, shape.tiles in all
 * first        the first of these images in x, dy and y
 * x            [images][h][w][c]
 * dy, y        [images][p][q][k]
 * workspace    from gradients_at or products_at (floats) on, gradients or products
 * packed       from packed_offset (floats) on, the transformed filter
 * in, out      channels of the products' inputs and outputs: c and k, for the input gradient k and c
 * count        c * k
 * shares       equal shares of the tiles, whose products are added
 * accumulate   0: the result is set, 1: added to
 * tiles_each   tiles of a work-item, of which it makes a part of statistics or of a gradient's sums
 * first_part   the first of these parts
 * statistics   [part_count] parts of y (statistics.clh), of a forward pass; or NULL
 *
 * With GRADIENT_SUMS, dx is the gradient of y = relu(batch normalisation of before_x), and its sums are
 * written too (batchnorm.clh):
 *
 * before_x      as dx
 * moments       [2][k], of the batch normalisation, as are weight and bias [k]
 * gradient_sums [parts][2][k] */
#include "conv/winograd.clh"
#include "statistics.clh"

/* Of conv_staged_outputs: 0 or 1. */
#ifndef GRADIENT_SUMS
#define GRADIENT_SUMS 0
#endif
/* Work-items of its sub-groups on Intel's GPUs, where a kernel can require it; 0: as the compiler likes. */
#ifndef SUB_GROUP
#define SUB_GROUP 0
#endif

/* Stores a transformed tile; positions are `step` floats apart. */
static void store_positions(const vfloat *tile, __global float *to, size_t step)
{
    UNROLL_FOR (i, POSITIONS)
        VSTORE(tile[i], to + i * step);
}

__kernel void conv_staged_inputs(const rncl_winograd_shape shape, const int first,
                                 __global const element *restrict x, __global float *restrict inputs)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.tiles * shape.c)
        return;
    transform_input(shape, x + (size_t)first * shape.h * shape.w * shape.c, place_of(shape, i / shape.c),
                    i % shape.c, inputs + i, (size_t)shape.tiles * shape.c);
}

__kernel void conv_staged_dy(const rncl_winograd_shape shape, const int first,
                             __global const element *restrict dy, __global float *restrict workspace,
                             const int gradients_at)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.tiles * shape.k)
        return;
    const tile_place place = place_of(shape, i / shape.k);
    __global const element *image =
        dy + (size_t)(first + place.image) * shape.p * shape.q * shape.k + i % shape.k;
    TRANSFORM_PIXELS(dy_column, M, image, shape.p, shape.q, shape.k, place.row, place.column,
                     workspace + gradients_at + i, (size_t)shape.tiles * shape.k);
}

/* Tap `tap` of the filter from input channel i / out and output channel i % out on. turned: 1 to rotate the
 * filter by half a turn and to exchange its channels, for the input gradient. */
static vfloat load_tap(__global const float *filter, int tap, int i, int in, int out, int turned)
{
    if (!turned)
        return VLOAD(filter + (size_t)tap * in * out + i);
    float lanes[VW];
    UNROLL_FOR (lane, VW)
        lanes[lane] = filter[((size_t)(8 - tap) * out + i % out + lane) * in + i / out];
    return VLOAD(lanes);
}

__kernel void conv_staged_filters(const int in, const int out, const int turned,
                                  __global const float *restrict filter, __global float *restrict packed,
                                  const int packed_offset)
{
    const int i = get_global_id(0) * VW;
    if (i >= in * out)
        return;
    vfloat tile[POSITIONS];
    UNROLL_FOR (tap, 9)
        tile[tap / 3 * SIDE + tap % 3] = load_tap(filter, tap, i, in, out, turned);
    TRANSFORM_BOTH_SIDES(filter_column, tile, 3, SIDE);
    store_positions(tile, packed + packed_offset + i, (size_t)in * out);
}

#if GRADIENT_SUMS
/* What the gradient of a batch normalisation depends on, of VW channels, and its sums. */
typedef struct gradient_sums {
    vfloat mean, scale, bias;
    vfloat sum, product;
} gradient_sums;

/* Adds dz and dz * (x - mean) of a pixel, where dz is dx where y is positive. */
static void gather_gradient(gradient_sums *of, const vfloat *dx, __global const element *x)
{
    const vfloat centred = ELOAD(x) - of->mean;
    const vfloat dz = select((vfloat)(0.0f), *dx, FMA(centred, of->scale, of->bias) > (vfloat)(0.0f));
    of->sum += dz;
    of->product = FMA(dz, centred, of->product);
}
#endif

#if SUB_GROUP
#define REQUIRED_SUB_GROUP __attribute__((intel_reqd_sub_group_size(SUB_GROUP)))
#else
#define REQUIRED_SUB_GROUP
#endif

/* Pixels of a tile that are outside the image are dropped. */
__kernel REQUIRED_SUB_GROUP void
conv_staged_outputs(const rncl_winograd_shape shape, const int first,
                    __global const float *restrict workspace, const int products_at,
                    __global element *restrict y, const int accumulate, const int tiles_each,
                    const int first_part, const int part_count, __global float *restrict statistics
#if GRADIENT_SUMS
                    ,
                    __global const element *restrict before_x, __global const float *restrict moments,
                    __global const float *restrict weight, __global const float *restrict bias,
                    __global float *restrict gradient_parts
#endif
)
{
    const pixel_block block = {M, M, SIDE, 1};
    const int i = get_global_id(0) * VW, k = i % shape.k, own_part = i / shape.k,
              begin = own_part * tiles_each, end = min(begin + tiles_each, shape.tiles);
    vfloat mean = (vfloat)(0.0f), deviations = (vfloat)(0.0f);
    int pixels = 0;
    if (begin >= end)
        return;
#if GRADIENT_SUMS
    const vfloat inverse = VLOAD(moments + shape.k + k);
    gradient_sums sums = {.mean = VLOAD(moments + k),
                          .scale = inverse * VLOAD(weight + k),
                          .bias = VLOAD(bias + k),
                          .sum = (vfloat)(0.0f),
                          .product = (vfloat)(0.0f)};
#endif
    for (int t = begin; t < end; t++) {
        const tile_place place = place_of(shape, t);
        const int rows = min(M, shape.p - place.row), columns = min(M, shape.q - place.column);
        const size_t corner =
            (((size_t)(first + place.image) * shape.p + place.row) * shape.q + place.column) * shape.k + k;
        vfloat tile[POSITIONS];
        UNROLL_FOR (position, POSITIONS)
            tile[position] =
                VLOAD(workspace + products_at + ((size_t)position * shape.tiles + t) * shape.k + k);
        TRANSFORM_BOTH_SIDES(output_column, tile, SIDE, M);
        UNROLL_FOR (row, M)
            UNROLL_FOR (column, M)
                if (row < rows && column < columns) {
                    const size_t at = corner + ((size_t)row * shape.q + column) * shape.k;
                    vfloat *value = tile + row * SIDE + column;
                    if (accumulate)
                        *value += ELOAD(y + at);
                    ESTORE(*value, y + at);
#if GRADIENT_SUMS
                    gather_gradient(&sums, value, before_x + at);
#endif
                }
        if (statistics)
            gather_statistics(block, tile, rows, columns, &mean, &deviations, pixels);
        pixels += rows * columns;
    }
    if (statistics) {
        __global float *part = statistics + statistics_at(part_count, first_part + own_part, shape.k) + k;
        VSTORE(mean, part);
        VSTORE(deviations, part + shape.k);
        if (k == 0)
            statistics[first_part + own_part] = (float)pixels;
    }
#if GRADIENT_SUMS
    __global float *part = gradient_parts + (size_t)(first_part + own_part) * 2 * shape.k + k;
    VSTORE(sums.sum, part);
    VSTORE(sums.product * inverse, part + shape.k);
#endif
}

/* Adds the products of all shares of the tiles, in their order, before it transforms them. */
__kernel void conv_staged_dfilter(const int count, const int shares, __global const float *restrict workspace,
                                  const int products_at, __global float *restrict dfilter,
                                  const int accumulate)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    vfloat tile[POSITIONS];
    UNROLL_FOR (position, POSITIONS)
        tile[position] = (vfloat)(0.0f);
    for (int share = 0; share < shares; share++) {
        __global const float *products = workspace + products_at + (size_t)share * POSITIONS * count + i;
        UNROLL_FOR (position, POSITIONS)
            tile[position] += VLOAD(products + (size_t)position * count);
    }
    TRANSFORM_BOTH_SIDES(dfilter_column, tile, SIDE, 3);
    UNROLL_FOR (tap, 9) {
        __global float *to = dfilter + (size_t)tap * count + i;
        const vfloat value = tile[tap / 3 * SIDE + tap % 3];
        VSTORE(accumulate ? VLOAD(to) + value : value, to);
    }
}
