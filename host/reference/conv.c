/* Convolution. A tap is one [c][k] matrix of the filter. Each of the three passes computes a small matrix
 * product for every combination of a tap, a pixel of x and a pixel of y. */
#include "layout.h"
#include "reference.h"
#include "util.h"

typedef struct conv_tensors {
    const double *x, *filter, *dy;
    double *y, *dx, *dfilter;
} conv_tensors;

/* Offsets of one combination of pixels and tap: c values of x, c * k of the filter, k of y. */
typedef struct meeting {
    size_t x, filter, y;
} meeting;

typedef void meeting_product(const conv_tensors *t, size_t channels, size_t filters, meeting at);

static void meet_pixel(const rncl_conv_shape *shape, const conv_tensors *t, meeting_product *product, int n,
                       int p, int q)
{
    const size_t channels = (size_t)shape->c, filters = (size_t)shape->k;
    const size_t y = pixel_of(n, p, q, shape->p, shape->q) * filters;
    const int top = p * shape->stride - shape->pad, left = q * shape->stride - shape->pad;
    const int end_r = MIN(shape->r, shape->h - top), end_s = MIN(shape->s, shape->w - left);
    for (int r = MAX(0, -top); r < end_r; r++)
        for (int s = MAX(0, -left); s < end_s; s++)
            product(t, channels, filters,
                    (meeting){
                        .x = pixel_of(n, top + r, left + s, shape->h, shape->w) * channels,
                        .filter = pixel_of(0, r, s, shape->r, shape->s) * channels * filters,
                        .y = y,
                    });
}

static void meet_all(const rncl_conv_shape *shape, const conv_tensors *t, meeting_product *product)
{
    for (int n = 0; n < shape->n; n++)
        for (int p = 0; p < shape->p; p++)
            for (int q = 0; q < shape->q; q++)
                meet_pixel(shape, t, product, n, p, q);
}

/* y += x filter */
static void add_to_y(const conv_tensors *t, size_t channels, size_t filters, meeting at)
{
    double *y = t->y + at.y;
    for (size_t c = 0; c < channels; c++) {
        const double x = t->x[at.x + c], *filter = t->filter + at.filter + c * filters;
        for (size_t k = 0; k < filters; k++)
            y[k] += x * filter[k];
    }
}

/* dx += filter dy */
static void add_to_dx(const conv_tensors *t, size_t channels, size_t filters, meeting at)
{
    const double *dy = t->dy + at.y;
    for (size_t c = 0; c < channels; c++) {
        const double *filter = t->filter + at.filter + c * filters;
        double sum = 0.0;
        for (size_t k = 0; k < filters; k++)
            sum += filter[k] * dy[k];
        t->dx[at.x + c] += sum;
    }
}

/* dfilter += x^T dy */
static void add_to_dfilter(const conv_tensors *t, size_t channels, size_t filters, meeting at)
{
    const double *dy = t->dy + at.y;
    for (size_t c = 0; c < channels; c++) {
        const double x = t->x[at.x + c];
        double *dfilter = t->dfilter + at.filter + c * filters;
        for (size_t k = 0; k < filters; k++)
            dfilter[k] += x * dy[k];
    }
}

void rncl_reference_conv_forward(const rncl_conv_shape *shape, const double *x, const double *filter,
                                 double *y)
{
    clear(y, shape->n, shape->p, shape->q, shape->k);
    meet_all(shape, &(conv_tensors){.x = x, .filter = filter, .y = y}, add_to_y);
}

void rncl_reference_conv_backward_data(const rncl_conv_shape *shape, const double *filter, const double *dy,
                                       double *dx)
{
    clear(dx, shape->n, shape->h, shape->w, shape->c);
    meet_all(shape, &(conv_tensors){.filter = filter, .dy = dy, .dx = dx}, add_to_dx);
}

void rncl_reference_conv_backward_filter(const rncl_conv_shape *shape, const double *x, const double *dy,
                                         double *dfilter)
{
    clear(dfilter, shape->r, shape->s, shape->c, shape->k);
    meet_all(shape, &(conv_tensors){.x = x, .dy = dy, .dfilter = dfilter}, add_to_dfilter);
}
