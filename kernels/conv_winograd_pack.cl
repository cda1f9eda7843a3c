/* Filters into Winograd's domain: G g G^T of F(4x4, 3x3), as conv_winograd reads them.
 *
 * Work-item i: one pair of channels. shape.out, in, in_stride, out_stride and packed_offset as for the direct convolution;
 * tap (r, s) is at (row_first + r row_step) row_stride + (column_first + s column_step) column_stride. */
#include "common.clh"

/* Output channels of a packed block. */
#ifndef KB
#define KB 1
#endif

/* out = G g for one column of three. */
static void transform_three(float *out, int step, float g0, float g1, float g2)
{
    const float sum = (g0 + g2) / 6.0f, side = g1 / 6.0f;
    const float far = g0 / 24.0f + g2 / 6.0f, far_side = g1 / 12.0f;
    out[0 * step] = g0 / 4.0f;
    out[1 * step] = -sum - side;
    out[2 * step] = -sum + side;
    out[3 * step] = far + far_side;
    out[4 * step] = far - far_side;
    out[5 * step] = g2;
}

__kernel void conv_winograd_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                                 __global float *restrict packed)
{
    const int i = get_global_id(0);
    const int k = i % KB, channel = i / KB % shape.in, block = i / KB / shape.in;
    if (block >= shape.out / KB)
        return;
    __global const float *from =
        filter + (size_t)channel * shape.in_stride + (size_t)(block * KB + k) * shape.out_stride;
    float half_way[18], out[36];
    for (int s = 0; s < 3; s++) {
        __global const float *column = from + (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride;
        transform_three(half_way + s, 3, column[(size_t)shape.row_first * shape.row_stride],
                        column[(size_t)(shape.row_first + shape.row_step) * shape.row_stride],
                        column[(size_t)(shape.row_first + 2 * shape.row_step) * shape.row_stride]);
    }
    for (int r = 0; r < 6; r++)
        transform_three(out + 6 * r, 1, half_way[3 * r], half_way[3 * r + 1], half_way[3 * r + 2]);
    __global float *to = packed + shape.packed_offset + (size_t)block * 36 * shape.in * KB + (size_t)channel * KB + k;
    for (int position = 0; position < 36; position++)
        to[(size_t)position * shape.in * KB] = out[position];
}
