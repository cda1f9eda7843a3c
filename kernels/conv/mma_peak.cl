/* Measures the speed of a matrix unit: products of fragments in registers. The results only keep the compiler
 * from removing the work.
 *
 * Work-groups of PEAK_GROUPS sub-groups, each of which does rounds * STEPS * FRAGMENTS products. The operands
 * are `factor`, whatever a unit makes of its bits.
 *
 * out   [work-items] */
#define LEFT_ALONG 1
#define RIGHT_ALONG 0

#include "conv/mma_unit.clh"

/* Independent fragments of sums: enough to hide the latency of a product. */
#define FRAGMENTS 4
/* Times that they are multiplied in a round: Intel's compiler copies the sums once a round. */
#define STEPS 8
/* Sub-groups of a work-group: of 64 lanes, as many as every GPU takes. */
#define PEAK_GROUPS 4

__kernel UNIT_ATTRIBUTE __attribute__((reqd_work_group_size(PEAK_GROUPS * LANES, 1, 1))) void
mma_peak(const int rounds, const float factor, __global float *restrict out)
{
#if EMULATED
    __local uint exchange[PEAK_GROUPS * EXCHANGE_WORDS];
#endif
    const unit_state unit = {
        .lane = get_local_id(0) % LANES,
#if EMULATED
        .exchange = exchange + get_local_id(0) / LANES * EXCHANGE_WORDS,
#endif
    };
    uint a[A_WORDS], b[B_WORDS];
    float sums[FRAGMENTS][SUMS], total = 0.0f;
    UNROLL_FOR (i, A_WORDS)
        a[i] = as_uint(factor);
    UNROLL_FOR (i, B_WORDS)
        b[i] = as_uint(factor);
    UNROLL_FOR (i, FRAGMENTS)
        UNROLL_FOR (v, SUMS)
            sums[i][v] = 0.0f;
    for (int round = 0; round < rounds; round++)
        UNROLL_FOR (step, STEPS)
            UNROLL_FOR (i, FRAGMENTS)
                multiply(&unit, sums[i], a, b);
    UNROLL_FOR (i, FRAGMENTS)
        UNROLL_FOR (v, SUMS)
            total += sums[i][v];
    out[get_global_id(0)] = total;
}
