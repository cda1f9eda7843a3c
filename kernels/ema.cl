/* Exponential moving average of a vector: average += share (value - average).
 * One work-item a vector of VW values. */
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

/* The two vectors change places. */
__kernel void ema_exchange(const int count, __global float *restrict value, __global float *restrict average)
{
    const int i = get_global_id(0) * VW;
    if (i >= count)
        return;
    const vfloat old = VLOAD(average + i);
    VSTORE(VLOAD(value + i), average + i);
    VSTORE(old, value + i);
}
