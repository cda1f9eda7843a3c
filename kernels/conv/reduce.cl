/* The sum of partial filter gradients, in the order of the parts. */
#include "common.clh"

/* Work-item i: VW values of dfilter (+)= sums[0] + sums[1] + … */
__kernel void conv_reduce(const int count, const int parts, __global const float *restrict sums,
                          __global float *restrict dfilter, const int accumulate)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    vfloat sum = accumulate ? VLOAD(dfilter + i) : (vfloat)(0.0f);
    for (int part = 0; part < parts; part++)
        sum += VLOAD(sums + (size_t)part * count + i);
    VSTORE(sum, dfilter + i);
}
