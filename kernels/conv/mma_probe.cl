/* One product on the matrix unit, to see whether it works: y = left * right.
 *
 * One work-group of one sub-group.
 *
 * left   [UNIT_M][UNIT_WORDS * PACK]
 * right  [UNIT_WORDS * PACK][UNIT_N]
 * y      [UNIT_M][UNIT_N] */
#define LEFT_ALONG 1
#define RIGHT_ALONG 0

#include "conv/mma_unit.clh"

#define DEPTH (UNIT_WORDS * PACK)

/* Word `word` of a row or column whose values are `step` apart. */
static uint word_from(__global const float *from, int word, int step)
{
#if A_HALVES || PACK == 2
    return pack_bf16(from[word * PACK * step], from[(word * PACK + 1) * step]);
#else
    return as_uint(from[word * step]);
#endif
}

__kernel UNIT_ATTRIBUTE __attribute__((reqd_work_group_size(LANES, 1, 1))) void
mma_probe(__global const float *restrict left, __global const float *restrict right,
          __global float *restrict y)
{
#if EMULATED
    __local uint exchange[EXCHANGE_WORDS];
#endif
    const unit_state unit = {
        .lane = get_local_id(0),
#if EMULATED
        .exchange = exchange,
#endif
    };
    uint a[A_WORDS], b[B_WORDS];
    float sums[SUMS];
    UNROLL_FOR (i, A_WORDS) {
        __global const float *row = left + A_ROW(unit.lane, i) * DEPTH;
        a[i] = A_HALVES ? round_to_bf16(row[A_WORD(unit.lane, i)]) : word_from(row, A_WORD(unit.lane, i), 1);
    }
    UNROLL_FOR (i, B_WORDS)
        b[i] = word_from(right + B_COLUMN(unit.lane, i), B_WORD(unit.lane, i), UNIT_N);
    UNROLL_FOR (i, SUMS)
        sums[i] = 0.0f;
    multiply(&unit, sums, a, b);
    UNROLL_FOR (i, SUMS)
        y[SUM_ROW(unit.lane, i) * UNIT_N + SUM_COLUMN(unit.lane, i)] = sums[i];
}
