/* Global average pooling. */
#include "reference.h"

void rncl_reference_avgpool_forward(const rncl_avgpool_shape *s, const double *x, double *y)
{
    size_t pixels = (size_t)s->h * (size_t)s->w, c = (size_t)s->c;
    for (size_t n = 0; n < (size_t)s->n; n++)
        for (size_t channel = 0; channel < c; channel++) {
            double sum = 0.0;
            for (size_t pixel = 0; pixel < pixels; pixel++)
                sum += x[(n * pixels + pixel) * c + channel];
            y[n * c + channel] = sum / (double)pixels;
        }
}

void rncl_reference_avgpool_backward(const rncl_avgpool_shape *s, const double *dy, double *dx)
{
    size_t pixels = (size_t)s->h * (size_t)s->w, c = (size_t)s->c;
    for (size_t n = 0; n < (size_t)s->n; n++)
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t channel = 0; channel < c; channel++)
                dx[(n * pixels + pixel) * c + channel] = dy[n * c + channel] / (double)pixels;
}
