/* Measures the speed of products of pairs in registers, as peak.cl does that of multiply-adds. VW is that of
 * an instruction (conv/pairs.clh). */
#include "conv/pairs.clh"

/* As in peak.cl. */
#define SUMS 16

#if VW == 4 || VW == 16
/* A work-item does rounds * SUMS * VW products of pairs, of `factor`, whatever its bits are as such. out:
 * [work-items][VW]. */
__kernel void peak_pairs(const int rounds, const float factor, __global float *restrict out)
{
    const vfloat operand = (vfloat)(factor);
    vfloat sum[SUMS];
    UNROLL_FOR (i, SUMS)
        sum[i] = (vfloat)(factor + i);
    for (int round = 0; round < rounds; round++)
        UNROLL_FOR (i, SUMS)
            ADD_DOT(sum[i], factor, operand);
    UNROLL_FOR (i, SUMS - 1)
        sum[0] += sum[i + 1];
    VSTORE(sum[0], out + get_global_id(0) * VW);
}
#endif
