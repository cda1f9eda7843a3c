/* Measures the limits of a device, by which the other kernels are judged: multiply-adds in registers and
 * reading from memory. The results only keep the compiler from removing the work. */
#include "common.clh"

/* Independent sums: enough to hide the latency of an FMA, fewer than there are registers. */
#define SUMS 16

/* A work-item does rounds * SUMS * VW multiply-adds. out: [work-items][VW]. */
__kernel void peak_fma(const int rounds, const float factor, __global float *restrict out)
{
    vfloat sum[SUMS];
    UNROLL_FOR (i, SUMS)
        sum[i] = (vfloat)(factor + i);
    for (int round = 0; round < rounds; round++)
        UNROLL_FOR (i, SUMS)
            sum[i] = FMA(sum[i], (vfloat)(factor), (vfloat)(factor));
    UNROLL_FOR (i, SUMS - 1)
        sum[0] += sum[i + 1];
    VSTORE(sum[0], out + get_global_id(0) * VW);
}

/* A work-item reads `count` vectors of VW floats, `step` vectors apart, from vector get_global_id(0) * apart
 * on. out: [work-items][VW]. */
__kernel void peak_read(const int count, const int apart, const int step, __global const float *restrict x,
                        __global float *restrict out)
{
    __global const float *from = x + (size_t)get_global_id(0) * apart * VW;
    vfloat even = (vfloat)(0.0f), odd = (vfloat)(0.0f);
    for (int i = 0; i + 1 < count; i += 2) {
        even += VLOAD(from + (size_t)i * step * VW);
        odd += VLOAD(from + (size_t)(i + 1) * step * VW);
    }
    VSTORE(even + odd, out + get_global_id(0) * VW);
}
