/* Brings the filter into the order in which conv/tiled.cl reads it for the input gradient: taps are rotated
 * by half a turn, those of a phase only, and the channels change places.
 *
 * Work-group (i, j, t) transposes tap t = row * s + column, of k = in channels from i * SIDE and c = out
 * channels from j * SIDE on, through local memory, so that neighbouring work-items read neighbouring channels
 * of k and write neighbouring ones of c.
 *
 * shape          see rncl_pack_shape: which tap goes where, and where the taps of a phase begin in `packed`
 * filter         [r][s][c][k]
 * packed         from packed_offset + shape.packed_offset (floats) on, [r][s][k][c] */
#include "common.clh"

/* Channels along the side of a work-group, which has SIDE x SIDE work-items. */
#ifndef SIDE
#define SIDE 8
#endif

__kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void
conv_turn_filter(const rncl_pack_shape shape, __global const float *restrict filter,
                 __global float *restrict packed, const int packed_offset)
{
    __local float block[SIDE * (SIDE + 1)];
    const int x = get_local_id(0), y = get_local_id(1), tap = get_group_id(2);
    const int first_in = get_group_id(0) * SIDE, first_out = get_group_id(1) * SIDE;
    __global const float *from =
        filter + (shape.row_first + tap / shape.s * shape.row_step) * shape.row_stride +
        (shape.column_first + tap % shape.s * shape.column_step) * shape.column_stride;
    __global float *to = packed + packed_offset + shape.packed_offset + (size_t)tap * shape.in * shape.out;
    if (first_in + x < shape.in && first_out + y < shape.out)
        block[y * (SIDE + 1) + x] =
            from[(first_out + y) * shape.out_stride + (first_in + x) * shape.in_stride];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (first_out + x < shape.out && first_in + y < shape.in)
        to[(first_in + y) * shape.out + first_out + x] = block[x * (SIDE + 1) + y];
}
