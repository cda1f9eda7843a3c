/* Measures the speed of products of pairs in registers, as peak.cl does that of multiply-adds. */
#include "conv/pairs.clh"

/* As in peak.cl. */
#define SUMS 16

/* A work-item does rounds * SUMS * 16 products of pairs, of `factor`, whatever its bits are as such. out:
 * [work-items][16]. */
__kernel void peak_pairs(const int rounds, const float factor, __global float *restrict out)
{
    const float16 operand = (float16)(factor);
    float16 sum[SUMS];
    UNROLL_FOR (i, SUMS)
        sum[i] = (float16)(factor + i);
    for (int round = 0; round < rounds; round++)
        UNROLL_FOR (i, SUMS)
            ADD_DOT(sum[i], operand, operand);
    UNROLL_FOR (i, SUMS - 1)
        sum[0] += sum[i + 1];
    vstore16(sum[0], get_global_id(0), out);
}
