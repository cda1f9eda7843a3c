/* Max pooling. */
#include <math.h>
#include <string.h>

#include "reference.h"

/* Index in x of the first maximum of the window of output (n, p, q, c). NaN counts as larger than everything.
 */
static size_t winner(const rncl_maxpool_shape *s, const double *x, int n, int p, int q, int c)
{
    size_t best = SIZE_MAX;
    for (int r = 0; r < s->size; r++)
        for (int t = 0; t < s->size; t++) {
            int row = p * s->stride + r - s->pad, column = q * s->stride + t - s->pad;
            if (row < 0 || row >= s->h || column < 0 || column >= s->w)
                continue;
            size_t at =
                (((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w + (size_t)column) * (size_t)s->c +
                (size_t)c;
            if (best == SIZE_MAX || x[at] > x[best] || isnan(x[at]))
                best = at;
        }
    return best;
}

void rncl_reference_maxpool_forward(const rncl_maxpool_shape *s, const double *x, double *y)
{
    size_t i = 0;
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++)
                for (int c = 0; c < s->c; c++)
                    y[i++] = x[winner(s, x, n, p, q, c)];
}

void rncl_reference_maxpool_backward(const rncl_maxpool_shape *s, const double *x, const double *dy,
                                     double *dx)
{
    memset(dx, 0, (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c * sizeof *dx);
    size_t i = 0;
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++)
                for (int c = 0; c < s->c; c++)
                    dx[winner(s, x, n, p, q, c)] += dy[i++];
}
