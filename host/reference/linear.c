/* Fully connected layer. */
#include "reference.h"

void rncl_reference_linear_forward(const rncl_linear_shape *s, const double *x, const double *weight,
                                   const double *bias, double *y)
{
    size_t c = (size_t)s->c, k = (size_t)s->k;
    for (size_t n = 0; n < (size_t)s->n; n++)
        for (size_t out = 0; out < k; out++) {
            double sum = bias[out];
            for (size_t in = 0; in < c; in++)
                sum += x[n * c + in] * weight[in * k + out];
            y[n * k + out] = sum;
        }
}

void rncl_reference_linear_backward(const rncl_linear_shape *s, const double *x, const double *weight,
                                    const double *dy, double *dx, double *dweight, double *dbias)
{
    size_t rows = (size_t)s->n, c = (size_t)s->c, k = (size_t)s->k;
    for (size_t n = 0; dx && n < rows; n++)
        for (size_t in = 0; in < c; in++) {
            dx[n * c + in] = 0.0;
            for (size_t out = 0; out < k; out++)
                dx[n * c + in] += dy[n * k + out] * weight[in * k + out];
        }
    for (size_t i = 0; dweight && i < c * k; i++) {
        dweight[i] = 0.0;
        for (size_t n = 0; n < rows; n++)
            dweight[i] += x[n * c + i / k] * dy[n * k + i % k];
    }
    for (size_t out = 0; dbias && out < k; out++) {
        dbias[out] = 0.0;
        for (size_t n = 0; n < rows; n++)
            dbias[out] += dy[n * k + out];
    }
}
