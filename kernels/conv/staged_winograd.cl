/* Winograd's convolution with stride 1 (conv/winograd.clh) in stages, a kernel for each, for devices that
 * want many small work-items (Lavin and Gray 2016, section 4.1, algorithm 1):
 *
 *   conv_staged_inputs    x                                    -> inputs [POSITIONS][tiles][c]
 *   conv_staged_filters   filter [3][3][c][k]                  -> packed [POSITIONS][in][out]
 *   conv_staged_dy        dy                                   -> gradients [POSITIONS][tiles][k]
 *     conv/tiled.cl multiplies, as POSITIONS convolutions of 1x1
 *   conv_staged_outputs   products [POSITIONS][tiles][k]       -> y
 *   conv_staged_dfilter   products [shares][POSITIONS][c][k]   -> dfilter [3][3][c][k]
 *
 * For the input gradient, inputs are transformed from dy and outputs to dx, and c and k change places.
 *
 * A work-item transforms VW channels of one tile, or of all nine taps; the next one the next VW channels. VW
 * divides all channels. Work-groups may have any size.
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
 * accumulate   0: the result is set, 1: added to */
#include "conv/winograd.clh"

/* Stores a transformed tile; positions are `step` floats apart. */
static void store_positions(const vfloat *tile, __global float *to, size_t step)
{
    UNROLL_FOR (i, POSITIONS)
        VSTORE(tile[i], to + i * step);
}

__kernel void conv_staged_inputs(const rncl_winograd_shape shape, const int first,
                                 __global const float *restrict x, __global float *restrict inputs)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.tiles * shape.c)
        return;
    transform_input(shape, x + (size_t)first * shape.h * shape.w * shape.c, place_of(shape, i / shape.c),
                    i % shape.c, inputs + i, (size_t)shape.tiles * shape.c);
}

__kernel void conv_staged_dy(const rncl_winograd_shape shape, const int first,
                             __global const float *restrict dy, __global float *restrict workspace,
                             const int gradients_at)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.tiles * shape.k)
        return;
    const tile_place place = place_of(shape, i / shape.k);
    __global const float *image =
        dy + (size_t)(first + place.image) * shape.p * shape.q * shape.k + i % shape.k;
    vfloat tile[POSITIONS];
    LOAD_PATCH(tile, M, image, shape.p, shape.q, shape.k, place.row, place.column);
    TRANSFORM_BOTH_SIDES(dy_column, tile, M, SIDE);
    store_positions(tile, workspace + gradients_at + i, (size_t)shape.tiles * shape.k);
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

/* Pixels of a tile that are outside the image are dropped. */
__kernel void conv_staged_outputs(const rncl_winograd_shape shape, const int first,
                                  __global const float *restrict workspace, const int products_at,
                                  __global float *restrict y, const int accumulate)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.tiles * shape.k)
        return;
    const tile_place place = place_of(shape, i / shape.k);
    vfloat tile[POSITIONS];
    UNROLL_FOR (position, POSITIONS)
        tile[position] = VLOAD(workspace + products_at + (size_t)position * shape.tiles * shape.k + i);
    TRANSFORM_BOTH_SIDES(output_column, tile, SIDE, M);
    __global float *image = y + (size_t)(first + place.image) * shape.p * shape.q * shape.k + i % shape.k;
    UNROLL_FOR (row, M)
        UNROLL_FOR (column, M)
            if (place.row + row < shape.p && place.column + column < shape.q) {
                __global float *to =
                    image + ((size_t)(place.row + row) * shape.q + place.column + column) * shape.k;
                const vfloat value = tile[row * SIDE + column];
                VSTORE(accumulate ? VLOAD(to) + value : value, to);
            }
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
