/* Exponential moving average of a vector of `count` values: average += share * (value - average).
 *
 * ema_update    one step of that
 * ema_exchange  swaps value and average
 *
 * A work-item handles VW values from get_global_id(0) * VW on; count is a multiple of VW. Work-groups may
 * have any size.
 *
 * share           of the new value, 0 … 1
 * value, average  [count] */
#include "common.clh"

__kernel void ema_update(const int count, const float share, __global const float *restrict value,
                         __global float *restrict average)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    const vfloat old = VLOAD(average + i);
    VSTORE(fma((vfloat)(share), VLOAD(value + i) - old, old), average + i);
}

__kernel void ema_exchange(const int count, __global float *restrict value, __global float *restrict average)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    const vfloat old = VLOAD(average + i);
    VSTORE(VLOAD(value + i), average + i);
    VSTORE(old, value + i);
}
