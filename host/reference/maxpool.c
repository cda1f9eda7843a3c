/* Max pooling. */
#include <assert.h>
#include <math.h>

#include "layout.h"
#include "reference.h"
#include "util.h"

/* Indices of a value of y, and so of its window. */
typedef struct window {
    int n, p, q, c;
} window;

/* Index in x of the value that wins the window. */
static size_t winner(const rncl_maxpool_shape *shape, const double *x, window at)
{
    const int top = at.p * shape->stride - shape->pad, left = at.q * shape->stride - shape->pad;
    const int first_row = MAX(0, top), end_row = MIN(top + shape->size, shape->h);
    const int first_column = MAX(0, left), end_column = MIN(left + shape->size, shape->w);
    const size_t channels = (size_t)shape->c, c = (size_t)at.c;
    assert(first_row < end_row && first_column < end_column);
    size_t best = pixel_of(at.n, first_row, first_column, shape->h, shape->w) * channels + c;
    for (int row = first_row; row < end_row; row++)
        for (int column = first_column; column < end_column; column++) {
            const size_t i = pixel_of(at.n, row, column, shape->h, shape->w) * channels + c;
            if (x[i] > x[best] || isnan(x[i]))
                best = i;
        }
    return best;
}

static window window_of(const rncl_maxpool_shape *shape, size_t index)
{
    const int i = (int)index, pixel = i / shape->c;
    return (window){
        .n = pixel / shape->q / shape->p,
        .p = pixel / shape->q % shape->p,
        .q = pixel % shape->q,
        .c = i % shape->c,
    };
}

void rncl_reference_maxpool_forward(const rncl_maxpool_shape *shape, const double *x, double *y)
{
    const size_t count = count_of(shape->n, shape->p, shape->q, shape->c);
    for (size_t i = 0; i < count; i++)
        y[i] = x[winner(shape, x, window_of(shape, i))];
}

void rncl_reference_maxpool_backward(const rncl_maxpool_shape *shape, const double *x, const double *dy,
                                     double *dx)
{
    const size_t count = count_of(shape->n, shape->p, shape->q, shape->c);
    clear(dx, shape->n, shape->h, shape->w, shape->c);
    for (size_t i = 0; i < count; i++)
        dx[winner(shape, x, window_of(shape, i))] += dy[i];
}
