/* Brings the filter into the order in which conv/direct_forward.cl reads it, [out / KB][r][s][in][KB] (drawn
 * there, with out = k and in = c). For the input gradient `out` are the filter's c channels and `in` its k,
 * and the taps are rotated by half a turn; with a stride each phase of dx has some of the taps.
 *
 * A work-group is one work-item. Work-item (j, t) packs tap t = row * s + column of the j-th block of KB
 * output channels.
 *
 * shape          see rncl_pack_shape: which tap goes where, and where the block of a phase begins in `packed`
 * filter         [r][s][c][k]
 * packed         from packed_offset + shape.packed_offset (floats) on; both are multiples of VW.
 *                PAIRS: words of input channels 2 i and 2 i + 1 (conv/pairs.clh), rounded:
 *                [out / KB][r][s][(in + 1) / 2][KB], with a zero behind an odd number of them */
#include "conv/pairs.clh"

/* Output channels of a packed block, from 1 on; a multiple of VW unless TRANSPOSED. */
#ifndef KB
#define KB VW
#endif
/* 0: the filter is contiguous in the output channels (forward); 1: in the input channels (input gradient).
 * VW divides the number of those channels. */
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

/* Input channels in a value of `packed`. */
#define DEPTH (PAIRS ? 2 : 1)

/* Prefetch distance in a row of the filter, in floats. */
#define PREFETCH_DISTANCE (4 * LINE_FLOATS)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                 __global float *restrict packed, const int packed_offset)
{
    const int block = get_global_id(0), tap = get_global_id(1), r = tap / shape.s, s = tap % shape.s;
    __global const float *from = filter + (size_t)(shape.row_first + r * shape.row_step) * shape.row_stride +
                                 (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride +
                                 (size_t)block * KB * shape.out_stride;
    __global float *to = packed + packed_offset + shape.packed_offset +
                         ((size_t)block * shape.r * shape.s + tap) * ((shape.in + DEPTH - 1) / DEPTH) * KB;
#if TRANSPOSED
    __local float ALIGNED transposed[VW / DEPTH * KB]; /* [VW / DEPTH][KB] */
    for (int in = 0; in < shape.in; in += VW) {
        for (int out = 0; out < KB; out++) {
            __global const float *at = from + in + (size_t)out * shape.out_stride;
            PREFETCH(at + PREFETCH_DISTANCE);
#if PAIRS
            uint ALIGNED lanes[VW];
            vbits bits = AS_BITS(VLOAD(at));
            round_upper_half(&bits);
            *(vbits *)lanes = bits;
            UNROLL_FOR_STEP (lane, VW, 2)
                transposed[lane / 2 * KB + out] =
                    as_float(lanes[lane] >> 16 | (lanes[lane + 1] & 0xffff0000u));
#else
            float lanes[VW];
            VSTORE(VLOAD(at), lanes);
            UNROLL_FOR (lane, VW)
                transposed[lane * KB + out] = lanes[lane];
#endif
        }
        for (int i = 0; i < VW / DEPTH * KB; i += VW)
            VSTORE_NONTEMPORAL(VLOAD(transposed + i), to + in / DEPTH * KB + i);
    }
#else
    for (int in = 0; in < shape.in; in += DEPTH)
        UNROLL_FOR_STEP (v, KB, VW) {
            vfloat value = VLOAD(from + (size_t)in * shape.in_stride + v);
#if PAIRS
            vbits first = AS_BITS(value), second = (vbits)(0);
            if (in + 1 < shape.in)
                second = AS_BITS(VLOAD(from + (size_t)(in + 1) * shape.in_stride + v));
            round_upper_half(&first);
            round_upper_half(&second);
            value = AS_FLOATS(first >> 16 | (second & 0xffff0000u));
#endif
            VSTORE_NONTEMPORAL(value, to + in / DEPTH * KB + v);
        }
#endif
}
