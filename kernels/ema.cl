/* Exponential moving averages of a vector [n]. One work-item `per` vectors of VW values (elementwise.clh).
 *
 * ema_update    average += share (weight - average)
 * ema_exchange  weight and average change places
 *
 * n                multiple of VW
 * share            of the new value, 0 … 1
 * weight, average  [n] */
#include "elementwise.clh"

__kernel void ema_update(const int n, const int per, const float share, __global const float *restrict weight,
                         __global float *restrict average)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per);
        if (i >= (size_t)n)
            return;
        const vfloat old = VLOAD(average + i);
        VSTORE(FMA((vfloat)(share), VLOAD(weight + i) - old, old), average + i);
    }
}

__kernel void ema_exchange(const int n, const int per, __global float *restrict weight,
                           __global float *restrict average)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per);
        if (i >= (size_t)n)
            return;
        const vfloat old = VLOAD(average + i);
        VSTORE(VLOAD(weight + i), average + i);
        VSTORE(old, weight + i);
    }
}
