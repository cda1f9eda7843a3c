/* Mixup (Zhang et al. 2018): pictures [n][floats] in place, each with the one at the other end:
 *   x[i] = (1 - mix) x[i] + mix x[n - 1 - i]
 * One work-item VW values of a pair of pictures; the middle one of an odd number stays as it is. */
#include "common.clh"

__kernel void mixup(const int n, const int floats, const float mix, __global float *restrict x)
{
    const size_t i = (size_t)get_global_id(0) * VW, pair = i / floats, at = i % floats;
    if (pair >= (size_t)(n / 2))
        return;
    __global float *first = x + pair * floats + at, *second = x + (n - 1 - pair) * floats + at;
    const vfloat a = VLOAD(first), b = VLOAD(second);
    VSTORE(fma((vfloat)(mix), b - a, a), first);
    VSTORE(fma((vfloat)(mix), a - b, b), second);
}
