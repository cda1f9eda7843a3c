/* Batch normalisation with residual and ReLU, channel by channel. */
#include <math.h>
#include <string.h>

#include "reference.h"

static size_t row_count(const rncl_batchnorm_shape *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w;
}

typedef struct moments {
    double mean, variance; /* biased */
} moments;

static moments moments_of(const rncl_batchnorm_shape *s, const double *x, size_t channel)
{
    size_t rows = row_count(s), c = (size_t)s->c;
    moments m = {0};
    for (size_t row = 0; row < rows; row++)
        m.mean += x[row * c + channel] / (double)rows;
    for (size_t row = 0; row < rows; row++)
        m.variance += (x[row * c + channel] - m.mean) * (x[row * c + channel] - m.mean) / (double)rows;
    return m;
}

/* Where the residual of one value lies; SIZE_MAX where the padding is. */
static size_t residual_index(const rncl_batchnorm_shape *s, size_t row, size_t channel)
{
    if (s->residual == RNCL_RESIDUAL_ADD)
        return row * (size_t)s->c + channel;
    if (s->residual == RNCL_RESIDUAL_NONE || channel >= (size_t)s->residual_c)
        return SIZE_MAX;
    size_t w = (size_t)s->w, h = (size_t)s->h, stride = (size_t)s->residual_stride;
    size_t column = row % w * stride, line = row / w % h * stride, n = row / w / h;
    return ((n * (size_t)s->residual_h + line) * (size_t)s->residual_w + column) * (size_t)s->residual_c +
           channel;
}

/* The value before the ReLU. */
static double value_at(const rncl_batchnorm_shape *s, const rncl_reference_batchnorm *t, moments m,
                       size_t row, size_t channel)
{
    double inverse = 1.0 / sqrt(m.variance + (double)RNCL_BATCHNORM_EPSILON);
    double value =
        (t->x[row * (size_t)s->c + channel] - m.mean) * inverse * t->weight[channel] + t->bias[channel];
    size_t residual = residual_index(s, row, channel);
    return residual == SIZE_MAX ? value : value + t->residual[residual];
}

static void move_running(const rncl_reference_batchnorm *t, moments m, size_t rows, size_t channel)
{
    const double momentum = (double)RNCL_BATCHNORM_MOMENTUM;
    double unbiased = rows > 1 ? m.variance * (double)rows / (double)(rows - 1) : m.variance;
    t->running_mean[channel] += momentum * (m.mean - t->running_mean[channel]);
    t->running_variance[channel] += momentum * (unbiased - t->running_variance[channel]);
}

void rncl_reference_batchnorm_forward(const rncl_batchnorm_shape *s, const rncl_reference_batchnorm *t,
                                      int training)
{
    size_t rows = row_count(s), c = (size_t)s->c;
    for (size_t channel = 0; channel < c; channel++) {
        moments m = {0};
        if (training) {
            m = moments_of(s, t->x, channel);
            if (t->running_mean)
                move_running(t, m, rows, channel);
        } else {
            m = (moments){t->running_mean[channel], t->running_variance[channel]};
        }
        for (size_t row = 0; row < rows; row++) {
            double value = value_at(s, t, m, row, channel);
            t->y[row * c + channel] = s->relu && value < 0.0 ? 0.0 : value;
        }
    }
}

/* The gradient before the ReLU. */
static double dz_at(const rncl_batchnorm_shape *s, const rncl_reference_batchnorm *t, moments m, size_t row,
                    size_t channel)
{
    if (s->relu && value_at(s, t, m, row, channel) <= 0.0)
        return 0.0;
    return t->dy[row * (size_t)s->c + channel];
}

void rncl_reference_batchnorm_backward(const rncl_batchnorm_shape *s, const rncl_reference_batchnorm *t)
{
    size_t rows = row_count(s), c = (size_t)s->c;
    if (t->dresidual && s->residual == RNCL_RESIDUAL_PAD)
        memset(t->dresidual, 0,
               (size_t)s->n * (size_t)s->residual_h * (size_t)s->residual_w * (size_t)s->residual_c *
                   sizeof(double));
    for (size_t channel = 0; channel < c; channel++) {
        moments m = moments_of(s, t->x, channel);
        double inverse = 1.0 / sqrt(m.variance + (double)RNCL_BATCHNORM_EPSILON);
        double sum = 0.0, product = 0.0;
        for (size_t row = 0; row < rows; row++) {
            double dz = dz_at(s, t, m, row, channel);
            sum += dz;
            product += dz * (t->x[row * c + channel] - m.mean) * inverse;
        }
        t->dbias[channel] = sum;
        t->dweight[channel] = product;
        for (size_t row = 0; row < rows; row++) {
            double dz = dz_at(s, t, m, row, channel);
            double normalised = (t->x[row * c + channel] - m.mean) * inverse;
            t->dx[row * c + channel] = t->weight[channel] * inverse *
                                       (dz - sum / (double)rows - normalised * product / (double)rows);
            size_t residual = residual_index(s, row, channel);
            if (t->dresidual && residual != SIZE_MAX)
                t->dresidual[residual] = dz;
        }
    }
}
