/* Winograd's convolution with stride 1 in separate stages, for devices that want many small work-items (Lavin
 * and Gray 2016, algorithm 1 in section 4.1, a kernel for each of its loops):
 *
 *   conv_staged_inputs      x                                 -> inputs [POSITIONS][tiles][c]
 *   conv_staged_filters     filter [3][3][c][k]               -> filters [POSITIONS][c][k]
 *   conv_staged_gradients   dy                                -> gradients [POSITIONS][tiles][k]
 *     conv_implicit_gemm multiplies them, as POSITIONS convolutions of 1x1
 *   conv_staged_outputs     products [POSITIONS][tiles][k]    -> y
 *   conv_staged_dfilter     products [shares][POSITIONS][c][k] -> dfilter [3][3][c][k]
 *
 * For the input gradient inputs are transformed from dy, outputs to dx. The tiles are those of shape.n
 * images, of which the first is image `first` of x and y; shape.tiles is how many there are.
 *
 * A work-item transforms VW neighbouring channels of one tile, or of the filter; the next one the next
 * channels. VW divides all channels. */
#include "conv/winograd.clh"

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

__kernel void conv_staged_gradients(const rncl_winograd_shape shape, const int first,
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
    TRANSFORM_BOTH_SIDES(gradient_column, tile, M, SIDE);
    store_positions(tile, workspace + gradients_at + i, (size_t)shape.tiles * shape.k);
}

/* `count` is c * k. The input gradient's filters are turned by half a circle. */
__kernel void conv_staged_filters(const int count, const int turned, __global const float *restrict filter,
                                  __global float *restrict packed, const int packed_offset)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    vfloat tile[POSITIONS];
    UNROLL_FOR (tap, 9)
        tile[tap / 3 * SIDE + tap % 3] = VLOAD(filter + (size_t)(turned ? 8 - tap : tap) * count + i);
    TRANSFORM_BOTH_SIDES(filter_column, tile, 3, SIDE);
    store_positions(tile, packed + packed_offset + i, count);
}

/* Pixels beyond the edge are left out. */
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

/* `count` is c * k. The products' shares of the tiles are added in their order. */
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
