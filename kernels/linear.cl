/* What a fully connected layer adds to its matrix products.
 *
 * linear_bias           y += bias; a work-item for each value of y
 * linear_bias_gradient  dbias = sum of dy over the rows, in order; a work-item for each class
 *
 * Work-groups may have any size.
 *
 * shape        see rncl_linear_shape
 * y, dy        [n][k]
 * bias, dbias  [k]
 * accumulate   0: dbias is set, 1: added to */
#include "common.clh"

__kernel void linear_bias(const rncl_linear_shape shape, __global const float *restrict bias,
                          __global float *restrict y)
{
    const size_t i = get_global_id(0);
    if (i < (size_t)shape.n * shape.k)
        y[i] += bias[i % shape.k];
}

__kernel void linear_bias_gradient(const rncl_linear_shape shape, __global const float *restrict dy,
                                   __global float *restrict dbias, const int accumulate)
{
    const int k = get_global_id(0);
    if (k >= shape.k)
        return;
    float sum = 0.0f;
    for (int n = 0; n < shape.n; n++)
        sum += dy[(size_t)n * shape.k + k];
    dbias[k] = accumulate ? dbias[k] + sum : sum;
}
