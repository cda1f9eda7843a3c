/* What a fully connected layer does around its matrix products.
 *
 * linear_bias           y [n][k] += bias [k]; one work-item a value
 * linear_bias_gradient  dbias [k] (+)= sum of dy [n][k] over n, in order; one work-item a class */
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
