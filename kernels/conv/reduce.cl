/* Adds partial sums of a tensor, in the order of the parts: result = sums[0] + sums[1] + …
 *
 * Work-item i computes VW values from i * VW on; any work-group size.
 *
 * count       values of the result, a multiple of VW
 * parts       how many sums there are
 * sums        [parts][count]
 * result      [count]
 * accumulate  0: the result is set, 1: added to */
#include "common.clh"

__kernel void conv_reduce(const int count, const int parts, __global const float *restrict sums,
                          __global float *restrict result, const int accumulate)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    vfloat sum = accumulate ? VLOAD(result + i) : (vfloat)(0.0f);
    for (int part = 0; part < parts; part++)
        sum += VLOAD(sums + (size_t)part * count + i);
    VSTORE(sum, result + i);
}
