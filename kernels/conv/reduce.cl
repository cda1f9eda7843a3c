/* Adds partial sums of a tensor, in the order of the parts: result = sums[0] + sums[1] + …
 *
 * Work-item i computes VW values from i * VW on; any work-group size.
 *
 * count       values of the result, a multiple of VW
 * parts       how many sums there are
 * sums        [parts][count]
 * result      [count], elements where OF_IMAGES
 * accumulate  0: the result is set, 1: added to */
#include "common.clh"

/* 0 or 1, whether the result is an activation or its gradient, and not that of a filter. */
#ifndef OF_IMAGES
#define OF_IMAGES 0
#endif

#if OF_IMAGES
typedef element value;
#define LOAD_VALUES(p) ELOAD(p)
#define STORE_VALUES(sum, p) ESTORE(sum, p)
#else
typedef float value;
#define LOAD_VALUES(p) VLOAD(p)
#define STORE_VALUES(sum, p) VSTORE(sum, p)
#endif

__kernel void conv_reduce(const int count, const int parts, __global const float *restrict sums,
                          __global value *restrict result, const int accumulate)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    vfloat sum = accumulate ? LOAD_VALUES(result + i) : (vfloat)(0.0f);
    for (int part = 0; part < parts; part++)
        sum += VLOAD(sums + (size_t)part * count + i);
    STORE_VALUES(sum, result + i);
}
