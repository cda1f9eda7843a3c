/* The copies around a convolution that is computed as a matrix product (Chellapilla et al. 2006).
 *
 * conv_im2col  columns: for each output pixel the values of x under the taps, zeros in the padding
 * conv_col2im  dx: for each value of x the sum of what the columns of dx hold for it. The work-item gathers
 *              them in a fixed order, so that no atomics are needed
 *
 * A work-item computes one value of the result, channels innermost; any work-group size.
 *
 * shape          see rncl_conv_shape
 * first, images  only images first … first + images - 1 of x or dx
 * x, dx          [n][h][w][c]
 * columns        [images * p * q][r * s * c], a row for each output pixel:
 *
 *                  | tap (0, 0)  | tap (0, 1)  | … | tap (r - 1, s - 1) |
 *                    c floats      c floats
 *
 * accumulate     0: dx is set, 1: added to */
#include "common.clh"

__kernel void conv_im2col(const rncl_conv_shape shape, const int first, const int images,
                          __global const float *restrict x, __global float *restrict columns)
{
    const size_t i = get_global_id(0);
    const int row_length = shape.r * shape.s * shape.c;
    const size_t rows = (size_t)images * shape.p * shape.q;
    if (i >= rows * row_length)
        return;
    const int tap = i % row_length;
    const int row = i / row_length;
    const int c = tap % shape.c, s = tap / shape.c % shape.s, r = tap / shape.c / shape.s;
    const int q = row % shape.q, p = row / shape.q % shape.p, n = row / shape.q / shape.p;
    const int y = p * shape.stride - shape.pad + r, z = q * shape.stride - shape.pad + s;
    const int inside = y >= 0 && y < shape.h && z >= 0 && z < shape.w;
    columns[i] = inside ? x[(((size_t)(first + n) * shape.h + y) * shape.w + z) * shape.c + c] : 0.0f;
}

__kernel void conv_col2im(const rncl_conv_shape shape, const int first, const int images,
                          __global const float *restrict columns, __global float *restrict dx,
                          const int accumulate)
{
    const size_t i = get_global_id(0);
    if (i >= (size_t)images * shape.h * shape.w * shape.c)
        return;
    const int c = i % shape.c, x = i / shape.c % shape.w, y = i / shape.c / shape.w % shape.h;
    const int n = i / shape.c / shape.w / shape.h;
    __global float *to = dx + (size_t)first * shape.h * shape.w * shape.c + i;
    float sum = accumulate ? *to : 0.0f;
    for (int r = 0; r < shape.r; r++) {
        const int below = y + shape.pad - r;
        if (below < 0 || below % shape.stride || below / shape.stride >= shape.p)
            continue;
        for (int s = 0; s < shape.s; s++) {
            const int right = x + shape.pad - s;
            if (right < 0 || right % shape.stride || right / shape.stride >= shape.q)
                continue;
            const size_t row = ((size_t)n * shape.p + below / shape.stride) * shape.q + right / shape.stride;
            sum += columns[((row * shape.r + r) * shape.s + s) * shape.c + c];
        }
    }
    *to = sum;
}
