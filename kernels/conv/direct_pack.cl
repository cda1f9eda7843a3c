/* Filters into the packed layout of the direct convolution, [out / KB][r][s][in][KB]; shape says which tap
 * goes where.
 *
 * Tunable: VW floats a vector of the channels along which the filter is contiguous; KB output channels a
 * packed block; TRANSPOSED, 1 if the filter is contiguous in the input channels (the input gradient's), else
 * KB is a multiple of VW. */
#include "common.clh"

#ifndef KB
#define KB VW
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

/* Of a row of the filter, from reading them to asking for them. */
#define INPUTS_AHEAD (4 * LINE_FLOATS)

/* Work-item (j, t): the j-th block of output channels, tap t. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                 __global float *restrict packed, const int packed_offset)
{
    const int block = get_global_id(0), tap = get_global_id(1), r = tap / shape.s, s = tap % shape.s;
    __global const float *from = filter + (size_t)(shape.row_first + r * shape.row_step) * shape.row_stride +
                                 (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride +
                                 (size_t)block * KB * shape.out_stride;
    __global float *to = packed + packed_offset + shape.packed_offset +
                         ((size_t)block * shape.r * shape.s + tap) * shape.in * KB;
#if TRANSPOSED
    __local float turned[VW * KB];
    for (int in = 0; in < shape.in; in += VW) {
        for (int out = 0; out < KB; out++) {
            float lanes[VW];
            __global const float *at = from + in + (size_t)out * shape.out_stride;
            PREFETCH(at + INPUTS_AHEAD);
            VSTORE(VLOAD(at), lanes);
            UNROLL_FOR (lane, VW)
                turned[lane * KB + out] = lanes[lane];
        }
        for (int i = 0; i < VW * KB; i += VW)
            VSTORE_FAR(VLOAD(turned + i), to + in * KB + i);
    }
#else
    for (int in = 0; in < shape.in; in++)
        UNROLL_FOR_STEP (v, KB, VW)
            VSTORE_FAR(VLOAD(from + (size_t)in * shape.in_stride + v), to + in * KB + v);
#endif
}
