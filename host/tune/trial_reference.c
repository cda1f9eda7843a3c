/* Single values of the three passes. */
#include "trial_reference.h"

#include "util.h"

rncl_trial_tensor rncl_trial_result(rncl_conv_pass pass)
{
    static const rncl_trial_tensor results[] = {
        [RNCL_CONV_FORWARD] = RNCL_TRIAL_Y,
        [RNCL_CONV_BACKWARD_DATA] = RNCL_TRIAL_X,
        [RNCL_CONV_BACKWARD_FILTER] = RNCL_TRIAL_FILTER,
    };
    return results[pass];
}

void rncl_trial_sizes(const rncl_problem *problem, size_t floats[RNCL_TRIAL_TENSORS])
{
    const rncl_conv_shape *s = &problem->shape;
    floats[RNCL_TRIAL_X] = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
    floats[RNCL_TRIAL_FILTER] = (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k;
    floats[RNCL_TRIAL_Y] = (size_t)s->n * (size_t)s->p * (size_t)s->q * (size_t)s->k;
}

double rncl_trial_length(const rncl_problem *problem)
{
    const rncl_conv_shape *s = &problem->shape;
    const double lengths[] = {
        [RNCL_CONV_FORWARD] = (double)s->r * s->s * s->c,
        [RNCL_CONV_BACKWARD_DATA] =
            (double)rncl_ceil_div(s->r, s->stride) * rncl_ceil_div(s->s, s->stride) * s->k,
        [RNCL_CONV_BACKWARD_FILTER] = (double)s->n * s->p * s->q,
    };
    return lengths[problem->pass];
}

/* Indices of a value in a tensor of four dimensions, the last of which runs fastest. */
static void unravel(size_t at, int b, int c, int d, int out[4])
{
    out[3] = (int)(at % (size_t)d), at /= (size_t)d;
    out[2] = (int)(at % (size_t)c), at /= (size_t)c;
    out[1] = (int)(at % (size_t)b), at /= (size_t)b;
    out[0] = (int)at;
}

/* Row of x [n][h][w][c], or NULL outside. */
static const float *pixel_of(const rncl_conv_shape *s, const float *x, int n, int y, int column)
{
    if (y < 0 || y >= s->h || column < 0 || column >= s->w)
        return NULL;
    return x + (((size_t)n * (size_t)s->h + (size_t)y) * (size_t)s->w + (size_t)column) * (size_t)s->c;
}

static double forward(const rncl_conv_shape *s, const float *x, const float *filter, size_t at)
{
    int i[4]; /* n p q k */
    double sum = 0;
    unravel(at, s->p, s->q, s->k, i);
    for (int r = 0; r < s->r; r++)
        for (int t = 0; t < s->s; t++) {
            const float *pixel =
                pixel_of(s, x, i[0], i[1] * s->stride - s->pad + r, i[2] * s->stride - s->pad + t);
            const float *tap = filter + (size_t)(r * s->s + t) * (size_t)s->c * (size_t)s->k + i[3];
            for (int c = 0; pixel && c < s->c; c++)
                sum += (double)pixel[c] * (double)tap[(size_t)c * (size_t)s->k];
        }
    return sum;
}

static double backward_data(const rncl_conv_shape *s, const float *dy, const float *filter, size_t at)
{
    int i[4]; /* n h w c */
    double sum = 0;
    unravel(at, s->h, s->w, s->c, i);
    for (int r = 0; r < s->r; r++)
        for (int t = 0; t < s->s; t++) {
            int y = i[1] + s->pad - r, x = i[2] + s->pad - t, p = y / s->stride, q = x / s->stride;
            if (y < 0 || x < 0 || y % s->stride || x % s->stride || p >= s->p || q >= s->q)
                continue;
            const float *gradient =
                dy + (((size_t)i[0] * (size_t)s->p + (size_t)p) * (size_t)s->q + (size_t)q) * (size_t)s->k;
            const float *tap = filter + ((size_t)(r * s->s + t) * (size_t)s->c + (size_t)i[3]) * (size_t)s->k;
            for (int k = 0; k < s->k; k++)
                sum += (double)gradient[k] * (double)tap[k];
        }
    return sum;
}

static double backward_filter(const rncl_conv_shape *s, const float *x, const float *dy, size_t at)
{
    int i[4]; /* r s c k */
    double sum = 0;
    unravel(at, s->s, s->c, s->k, i);
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++) {
                const float *pixel =
                    pixel_of(s, x, n, p * s->stride - s->pad + i[0], q * s->stride - s->pad + i[1]);
                size_t y = ((size_t)n * (size_t)s->p + (size_t)p) * (size_t)s->q + (size_t)q;
                if (pixel)
                    sum += (double)pixel[i[2]] * (double)dy[y * (size_t)s->k + (size_t)i[3]];
            }
    return sum;
}

double rncl_trial_exact(const rncl_problem *problem, float *const *tensors, size_t at)
{
    const rncl_conv_shape *s = &problem->shape;
    const float *x = tensors[RNCL_TRIAL_X], *filter = tensors[RNCL_TRIAL_FILTER], *y = tensors[RNCL_TRIAL_Y];
    switch (problem->pass) {
    case RNCL_CONV_FORWARD:
        return forward(s, x, filter, at);
    case RNCL_CONV_BACKWARD_DATA:
        return backward_data(s, y, filter, at);
    default:
        return backward_filter(s, x, y, at);
    }
}
