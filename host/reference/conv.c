/* Convolution and its two gradients, as one walk over all (output, tap) pairs. */
#include <string.h>

#include "reference.h"

/* Offsets of the channels at one output pixel, the input pixel under one tap, and that tap's part of the
 * filter. */
typedef struct tap {
    size_t x, y, filter;
} tap;

typedef void (*tap_visitor)(const rncl_conv_shape *shape, tap at, const double *a, const double *b,
                            double *out);

/* Calls visit for every output pixel and every tap that lies inside x. */
static void for_each_tap(const rncl_conv_shape *s, tap_visitor visit, const double *a, const double *b,
                         double *out)
{
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++)
                for (int r = 0; r < s->r; r++)
                    for (int t = 0; t < s->s; t++) {
                        int row = p * s->stride + r - s->pad, column = q * s->stride + t - s->pad;
                        if (row < 0 || row >= s->h || column < 0 || column >= s->w)
                            continue;
                        const tap at = {
                            .x = (((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w + (size_t)column) *
                                 (size_t)s->c,
                            .y = (((size_t)n * (size_t)s->p + (size_t)p) * (size_t)s->q + (size_t)q) *
                                 (size_t)s->k,
                            .filter = ((size_t)r * (size_t)s->s + (size_t)t) * (size_t)s->c * (size_t)s->k,
                        };
                        visit(s, at, a, b, out);
                    }
}

static void visit_forward(const rncl_conv_shape *s, tap at, const double *x, const double *filter, double *y)
{
    for (int c = 0; c < s->c; c++) {
        double value = x[at.x + (size_t)c];
        const double *row = filter + at.filter + (size_t)c * (size_t)s->k;
        for (int k = 0; k < s->k; k++)
            y[at.y + (size_t)k] += value * row[k];
    }
}

static void visit_backward_data(const rncl_conv_shape *s, tap at, const double *filter, const double *dy,
                                double *dx)
{
    for (int c = 0; c < s->c; c++) {
        const double *row = filter + at.filter + (size_t)c * (size_t)s->k;
        double sum = 0.0;
        for (int k = 0; k < s->k; k++)
            sum += row[k] * dy[at.y + (size_t)k];
        dx[at.x + (size_t)c] += sum;
    }
}

static void visit_backward_filter(const rncl_conv_shape *s, tap at, const double *x, const double *dy,
                                  double *dfilter)
{
    for (int c = 0; c < s->c; c++) {
        double value = x[at.x + (size_t)c];
        double *row = dfilter + at.filter + (size_t)c * (size_t)s->k;
        for (int k = 0; k < s->k; k++)
            row[k] += value * dy[at.y + (size_t)k];
    }
}

void rncl_reference_conv_forward(const rncl_conv_shape *s, const double *x, const double *filter, double *y)
{
    memset(y, 0, (size_t)s->n * (size_t)s->p * (size_t)s->q * (size_t)s->k * sizeof *y);
    for_each_tap(s, visit_forward, x, filter, y);
}

void rncl_reference_conv_backward_data(const rncl_conv_shape *s, const double *filter, const double *dy,
                                       double *dx)
{
    memset(dx, 0, (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c * sizeof *dx);
    for_each_tap(s, visit_backward_data, filter, dy, dx);
}

void rncl_reference_conv_backward_filter(const rncl_conv_shape *s, const double *x, const double *dy,
                                         double *dfilter)
{
    memset(dfilter, 0, (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k * sizeof *dfilter);
    for_each_tap(s, visit_backward_filter, x, dy, dfilter);
}
