/* Global average pooling: y = mean of x over all pixels of an image.
 *
 * avgpool_forward   y from x. Sums of 32 pixels are added up separately, which keeps long sums accurate
 * avgpool_backward  dx from dy
 *
 * A work-item computes `per` vectors of VW channels of y or dx, see elementwise.clh. VW divides c.
 *
 * shape       see rncl_avgpool_shape
 * x, dx       [n][h][w][c]
 * y, dy       [n][c]
 * accumulate  0: dx is set, 1: added to */
#include "elementwise.clh"

__kernel void avgpool_forward(const rncl_avgpool_shape shape, const int per,
                              __global const element *restrict x, __global float *restrict y)
{
    const int pixels = shape.h * shape.w;
    for (int turn = 0; turn < per; turn++) {
        const int i = element_at(turn, per);
        if (i >= shape.n * shape.c)
            return;
        const int n = i / shape.c, c = i % shape.c;
        __global const element *from = x + (size_t)n * pixels * shape.c + c;
        vfloat total = (vfloat)(0.0f);
        for (int first = 0; first < pixels; first += 32) {
            vfloat sum = (vfloat)(0.0f);
            for (int pixel = first; pixel < min(first + 32, pixels); pixel++)
                sum += ELOAD(from + (size_t)pixel * shape.c);
            total += sum;
        }
        VSTORE(total / (float)pixels, y + i);
    }
}

__kernel void avgpool_backward(const rncl_avgpool_shape shape, const int per,
                               __global const float *restrict dy, __global element *restrict dx,
                               const int accumulate)
{
    const int pixels = shape.h * shape.w;
    for (int turn = 0; turn < per; turn++) {
        const size_t i = element_at(turn, per);
        if (i >= (size_t)shape.n * pixels * shape.c)
            return;
        const int c = i % shape.c, n = i / shape.c / pixels;
        const vfloat value = VLOAD(dy + (size_t)n * shape.c + c) / (float)pixels;
        ESTORE(accumulate ? ELOAD(dx + i) + value : value, dx + i);
    }
}
