/* Filters into the packed layout of the direct convolution, [out / KB][r][s][in][KB]; shape says which tap goes where.
 *
 * A work-item takes the vectors of VW channels along which the filter is contiguous; neighbours along dimension 0 write to the
 * same lines or the next.
 *
 * Tunable: KB output channels a packed block, a multiple of VW; TRANSPOSED, 1 if the filter is contiguous in the input channels
 * (the input gradient's). */
#include "common.clh"

#ifndef KB
#define KB VW
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

/* Work-item (i, j, t): input channel i, the j-th block of output channels and tap t; if TRANSPOSED, output channel i and the
 * j-th vector of input channels. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void conv_direct_pack(const rncl_pack_shape shape, __global const float *restrict filter, __global float *restrict packed,
                      const int packed_offset)
{
    const int r = get_global_id(2) / shape.s, s = get_global_id(2) % shape.s;
    const int in = TRANSPOSED ? get_global_id(1) * VW : get_global_id(0);
    const int out = TRANSPOSED ? get_global_id(0) : get_global_id(1) * KB;
    __global const float *from = filter + (size_t)(shape.row_first + r * shape.row_step) * shape.row_stride +
                                 (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride +
                                 (size_t)in * shape.in_stride + (size_t)out * shape.out_stride;
    const size_t taps = (size_t)shape.r * shape.s * shape.in;
    __global float *to = packed + packed_offset + shape.packed_offset +
                         ((size_t)(out / KB) * taps + (size_t)get_global_id(2) * shape.in + in) * KB + out % KB;
#if TRANSPOSED
    float lanes[VW];
    VSTORE(VLOAD(from), lanes);
    #pragma unroll
    for (int lane = 0; lane < VW; lane++)
        to[lane * KB] = lanes[lane];
#else
    #pragma unroll
    for (int v = 0; v < KB; v += VW)
        VSTORE(VLOAD(from + v), to + v);
#endif
}
