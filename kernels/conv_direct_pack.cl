/* What surrounds the direct convolution: filters into its packed layout, and the sum of its partial filter gradients. */
#include "common.clh"

/* Output channels of a packed block. */
#ifndef KB
#define KB 1
#endif

/* Work-item i: VW values of dfilter (+)= sums[0] + sums[1] + … */
__kernel void conv_direct_reduce(const int count, const int parts, __global const float *restrict sums,
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

/* Work-item i: KB values of the packed filter, those of one block of output channels, tap and input channel. */
__kernel void conv_direct_pack(const rncl_pack_shape shape, __global const float *restrict filter,
                               __global float *restrict packed)
{
    const int i = get_global_id(0);
    const int channel = i % shape.in;
    const int s = i / shape.in % shape.s;
    const int r = i / shape.in / shape.s % shape.r;
    const int block = i / shape.in / shape.s / shape.r;
    if (block >= shape.out / KB)
        return;
    __global const float *from = filter + (size_t)(shape.row_first + r * shape.row_step) * shape.row_stride +
                                 (size_t)(shape.column_first + s * shape.column_step) * shape.column_stride +
                                 (size_t)channel * shape.in_stride + (size_t)block * KB * shape.out_stride;
    __global float *to = packed + shape.packed_offset + (size_t)i * KB;
    for (int k = 0; k < KB; k++)
        to[k] = from[(size_t)k * shape.out_stride];
}
