/* Fully connected layer: a convolution of 1x1 images with a 1x1 filter, and a bias. */
#include "layout.h"
#include "reference.h"

static rncl_conv_shape as_convolution(const rncl_linear_shape *shape)
{
    return (rncl_conv_shape){
        .n = shape->n,
        .h = 1,
        .w = 1,
        .c = shape->c,
        .k = shape->k,
        .r = 1,
        .s = 1,
        .stride = 1,
        .p = 1,
        .q = 1,
    };
}

void rncl_reference_linear_forward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                   const double *bias, double *y)
{
    const rncl_conv_shape conv = as_convolution(shape);
    const size_t rows = (size_t)shape->n, columns = (size_t)shape->k;
    rncl_reference_conv_forward(&conv, x, weight, y);
    for (size_t n = 0; n < rows; n++)
        for (size_t k = 0; k < columns; k++)
            y[n * columns + k] += bias[k];
}

void rncl_reference_linear_backward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                    const double *dy, double *dx, double *dweight, double *dbias)
{
    const rncl_conv_shape conv = as_convolution(shape);
    const size_t rows = (size_t)shape->n, columns = (size_t)shape->k;
    if (dx)
        rncl_reference_conv_backward_data(&conv, weight, dy, dx);
    if (dweight)
        rncl_reference_conv_backward_filter(&conv, x, dy, dweight);
    if (!dbias)
        return;
    clear(dbias, 1, 1, 1, shape->k);
    for (size_t n = 0; n < rows; n++)
        for (size_t k = 0; k < columns; k++)
            dbias[k] += dy[n * columns + k];
}
