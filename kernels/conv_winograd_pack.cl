/* Filters into Winograd's domain, G g G^T, as conv_winograd reads them: packed [out / KB][POSITIONS][in][KB].
 *
 * Tap (r, s) is at (row_first + r row_step) row_stride + (column_first + s column_step) column_stride.
 *
 * Tunable: TRANSPOSED, 1 if the filter is contiguous in the channels that the convolution sums over (the input gradient's). */
#include "conv_winograd.clh"

#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

static size_t tap_at(rncl_pack_shape shape, int tap)
{
    return (size_t)(shape.row_first + tap / 3 * shape.row_step) * shape.row_stride +
           (size_t)(shape.column_first + tap % 3 * shape.column_step) * shape.column_stride;
}

/* Transforms the nine taps that are in `tile`; stores its positions `step` floats apart. */
static void transform_filter(vfloat *tile, __global float *to, size_t step)
{
    TRANSFORM_BOTH_SIDES(filter_column, tile, 3, SIDE);
    #pragma unroll
    for (int i = 0; i < POSITIONS; i++)
        VSTORE(tile[i], to + i * step);
}

/* Work-item (i, j): the i-th vector of input channels, the j-th block of KB output channels. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_winograd_pack(const rncl_pack_shape shape, __global const float *restrict filter, __global float *restrict packed,
                        const int packed_offset)
{
    const int in = get_global_id(0) * VW, block = get_global_id(1);
    const size_t step = (size_t)shape.in * KB;
    __global const float *from = filter + (size_t)in * shape.in_stride + (size_t)block * KB * shape.out_stride;
    __global float *to = packed + packed_offset + block * POSITIONS * step + (size_t)in * KB;
#if TRANSPOSED
    __local float turned[9][VW][KB];
    for (int out = 0; out < KB; out++)
        for (int tap = 0; tap < 9; tap++) {
            float lanes[VW];
            VSTORE(VLOAD(from + tap_at(shape, tap) + (size_t)out * shape.out_stride), lanes);
            #pragma unroll
            for (int lane = 0; lane < VW; lane++)
                turned[tap][lane][out] = lanes[lane];
        }
#endif
    for (int i = 0; i < VW; i++)
        for (int v = 0; v < KV; v++) {
            vfloat tile[POSITIONS];
            #pragma unroll
            for (int tap = 0; tap < 9; tap++)
#if TRANSPOSED
                tile[tap / 3 * SIDE + tap % 3] = VLOAD(turned[tap][i] + v * VW);
#else
                tile[tap / 3 * SIDE + tap % 3] = VLOAD(from + tap_at(shape, tap) + (size_t)i * shape.in_stride + v * VW);
#endif
            transform_filter(tile, to + i * KB + v * VW, step);
        }
}
