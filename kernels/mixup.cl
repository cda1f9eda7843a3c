/* Mixup (Zhang et al. 2018): pictures x [n][floats] in place, each with the one at the other end:
 *
 *   x[i] = (1 - mix) x[i] + mix x[n - 1 - i]
 *
 * One work-item `per` vectors of VW values (elementwise.clh) of the first n / 2 pictures, and the same values
 * of their partners. The middle one of an odd number of pictures stays as it is.
 *
 * shape  shape.floats is a multiple of VW
 * mix    0 … 1 */
#include "elementwise.clh"

__kernel void mixup_mix(const rncl_mixup_shape shape, const int per, const float mix,
                        __global element *restrict x)
{
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per), picture = i / shape.floats, at = i % shape.floats;
        if (picture >= (size_t)(shape.n / 2))
            return;
        __global element *first = x + i, *second = x + (shape.n - 1 - picture) * shape.floats + at;
        const vfloat a = ELOAD(first), b = ELOAD(second);
        ESTORE(FMA((vfloat)(mix), b - a, a), first);
        ESTORE(FMA((vfloat)(mix), a - b, b), second);
    }
}
