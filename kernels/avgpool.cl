/* Global average pooling, x [n][pixels][c] -> y [n][c].
 *
 * avgpool_forward   one work-item VW channels of one image; partial sums of a row of 32 pixels keep long sums exact enough
 * avgpool_backward  one work-item VW values of dx */
#include "common.clh"

__kernel void avgpool_forward(const rncl_avgpool_shape shape, __global const float *restrict x, __global float *restrict y)
{
    const int i = get_global_id(0) * VW;
    if (i >= shape.n * shape.c)
        return;
    const int n = i / shape.c, c = i % shape.c, pixels = shape.h * shape.w;
    __global const float *from = x + (size_t)n * pixels * shape.c + c;
    vfloat total = (vfloat)(0.0f);
    for (int first = 0; first < pixels; first += 32) {
        vfloat sum = (vfloat)(0.0f);
        for (int pixel = first; pixel < min(first + 32, pixels); pixel++)
            sum += VLOAD(from + (size_t)pixel * shape.c);
        total += sum;
    }
    VSTORE(total / (float)pixels, y + i);
}

__kernel void avgpool_backward(const rncl_avgpool_shape shape, __global const float *restrict dy, __global float *restrict dx,
                               const int accumulate)
{
    const size_t i = (size_t)get_global_id(0) * VW;
    const int pixels = shape.h * shape.w;
    if (i >= (size_t)shape.n * pixels * shape.c)
        return;
    const int c = i % shape.c, n = i / shape.c / pixels;
    const vfloat value = VLOAD(dy + (size_t)n * shape.c + c) / (float)pixels;
    VSTORE(accumulate ? VLOAD(dx + i) + value : value, dx + i);
}
