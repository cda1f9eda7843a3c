/* Global average pooling. */
#include "layout.h"
#include "reference.h"

void rncl_reference_avgpool_forward(const rncl_avgpool_shape *shape, const double *x, double *y)
{
    const size_t images = (size_t)shape->n, pixels = count_of(shape->h, shape->w, 1, 1);
    const size_t channels = (size_t)shape->c;
    clear(y, shape->n, 1, 1, shape->c);
    for (size_t n = 0; n < images; n++) {
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t c = 0; c < channels; c++)
                y[n * channels + c] += x[(n * pixels + pixel) * channels + c];
        for (size_t c = 0; c < channels; c++)
            y[n * channels + c] /= (double)pixels;
    }
}

void rncl_reference_avgpool_backward(const rncl_avgpool_shape *shape, const double *dy, double *dx)
{
    const size_t images = (size_t)shape->n, pixels = count_of(shape->h, shape->w, 1, 1);
    const size_t channels = (size_t)shape->c;
    for (size_t n = 0; n < images; n++)
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t c = 0; c < channels; c++)
                dx[(n * pixels + pixel) * channels + c] = dy[n * channels + c] / (double)pixels;
}
