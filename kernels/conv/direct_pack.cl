/* Brings the filter into the order in which conv/direct_forward.cl reads it, [out / KB][r][s][in][KB] (drawn
 * there, with out = k and in = c). For the input gradient `out` are the filter's c channels and `in` its k,
 * and the taps are rotated by half a turn; with a stride each phase of dx has some of the taps.
 *
 * A work-group is one work-item. Work-item (j, t) packs tap t = row * s + column of the j-th ROWS input
 * channels, if TRANSPOSED of the j-th block of KB output channels: it reads rows of the filter along.
 *
 * shape          see rncl_pack_shape: which tap goes where, and where the block of a phase begins in `packed`
 * filter         [r][s][c][k]
 * packed         from packed_offset + shape.packed_offset (floats) on; both are multiples of VW.
 *                PAIRS: words of input channels 2 i and 2 i + 1 (conv/pairs.clh), rounded:
 *                [out / KB][r][s][(in + 1) / 2][KB], with a zero behind an odd number of them */
#include "conv/pairs.clh"
#include "transpose.clh"

/* Output channels of a packed block, a multiple of VW. */
#ifndef KB
#define KB VW
#endif
/* 0: the filter is contiguous in the output channels (forward); 1: in the input channels (input gradient), of
 * which there are at least DEPTH * VW. */
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif

/* Input channels in a value of `packed`. */
#define DEPTH (PAIRS ? 2 : 1)

/* Input channels of a work-item, if not TRANSPOSED; a multiple of DEPTH. */
#ifndef ROWS
#define ROWS 8
#endif

/* Prefetch distance in a row of the filter, in floats. */
#define PREFETCH_DISTANCE (4 * LINE_FLOATS)

#if PAIRS
/* words = pairs of the lanes of `first` and `second`, rounded. */
static void join_rounded(vfloat *words, const vfloat *first, const vfloat *second)
{
    vbits low = AS_BITS(*first), high = AS_BITS(*second);
    round_upper_half(&low);
    round_upper_half(&high);
    *words = AS_FLOATS(low >> 16 | (high & 0xffff0000u));
}
#endif

#if TRANSPOSED
/* Loads DEPTH * VW input channels of each of VW output channels, from `from` on. */
static void load_square(vfloat square[VW], __global const float *from, int out_stride)
{
    UNROLL_FOR (i, VW) {
        __global const float *at = from + (size_t)i * out_stride;
        UNROLL_FOR (j, DEPTH)
            PREFETCH_L2(at + PREFETCH_DISTANCE + j * VW);
#if PAIRS
        const vfloat low = VLOAD(at), high = VLOAD(at + VW);
        vfloat first, second;
        part_pairs(&first, &second, &low, &high);
        join_rounded(square + i, &first, &second);
#else
        square[i] = VLOAD(at);
#endif
    }
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_direct_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                 __global float *restrict packed, const int packed_offset)
{
    const int tap = get_global_id(1), r = tap / shape.s, s = tap % shape.s;
    const size_t tap_floats = (size_t)(shape.in + DEPTH - 1) / DEPTH * KB,
                 block_floats = tap_floats * shape.r * shape.s;
    __global const float *from = filter + (size_t)(shape.row_first + r * shape.row_step) * shape.row_stride +
                                 (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride;
    __global float *to = packed + packed_offset + shape.packed_offset + tap * tap_floats;
#if TRANSPOSED
    from += (size_t)get_global_id(0) * KB * shape.out_stride;
    to += get_global_id(0) * block_floats;
    for (int out = 0; out < KB; out += VW)
        for (int next = 0; next < shape.in; next += DEPTH * VW) {
            /* The last channels are packed twice where they are no whole square. */
            const int in = min(next, shape.in - DEPTH * VW);
            vfloat square[VW];
            load_square(square, from + (size_t)out * shape.out_stride + in, shape.out_stride);
            transpose(square);
            UNROLL_FOR (i, VW)
                VSTORE_NONTEMPORAL(square[i], to + (in / DEPTH + i) * KB + out);
        }
#else
    const int first = get_global_id(0) * ROWS, end = min(first + ROWS, shape.in);
    for (int out = 0; out < shape.out; out += KB, to += block_floats)
        for (int in = first; in < end; in += DEPTH)
            UNROLL_FOR_STEP (v, KB, VW) {
                __global const float *at = from + (size_t)in * shape.in_stride + out + v;
                vfloat value = VLOAD(at);
                PREFETCH_L2(at + PREFETCH_DISTANCE);
#if PAIRS
                vfloat second = (vfloat)(0.0f);
                if (in + 1 < shape.in) {
                    second = VLOAD(at + shape.in_stride);
                    PREFETCH_L2(at + shape.in_stride + PREFETCH_DISTANCE);
                }
                join_rounded(&value, &value, &second);
#endif
                VSTORE_NONTEMPORAL(value, to + in / DEPTH * KB + v);
            }
#endif
}
