/* Mixup (Zhang et al. 2018), in place: each image is mixed with the one at the other end of the batch,
 *   x[i] = (1 - mix) x[i] + mix x[n - 1 - i]
 *
 * A work-item computes VW values of both images of a pair; the middle image of an odd batch is not changed.
 * Work-groups may have any size.
 *
 * n       images
 * floats  of an image, a multiple of VW
 * mix     0 … 1
 * x       [n][floats] */
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
