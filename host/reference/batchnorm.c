/* Batch normalisation with residual and ReLU, a channel at a time. */
#include <math.h>

#include "layout.h"
#include "reference.h"
#include "util.h"

/* x seen as [rows][channels], with the other tensors of the pass. */
typedef struct batch {
    const rncl_batchnorm_shape *shape;
    const rncl_reference_batchnorm *t;
    size_t rows, channels;
} batch;

typedef struct moments {
    double mean, variance; /* biased */
} moments;

static batch batch_of(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t)
{
    return (batch){
        .shape = shape,
        .t = t,
        .rows = count_of(shape->n, shape->h, shape->w, 1),
        .channels = (size_t)shape->c,
    };
}

/* Two passes, since E[x^2] - E[x]^2 suffers from cancellation. */
static moments batch_moments(const batch *b, size_t c)
{
    const double *x = b->t->x, rows = (double)b->rows;
    moments m = {0};
    for (size_t row = 0; row < b->rows; row++)
        m.mean += x[row * b->channels + c];
    m.mean /= rows;
    for (size_t row = 0; row < b->rows; row++) {
        const double deviation = x[row * b->channels + c] - m.mean;
        m.variance += deviation * deviation;
    }
    m.variance /= rows;
    return m;
}

static moments moments_of(const batch *b, size_t c, int training)
{
    return training ? batch_moments(b, c) : (moments){b->t->running_mean[c], b->t->running_variance[c]};
}

static double inverse_sigma(moments m)
{
    return 1.0 / sqrt(m.variance + (double)RNCL_BATCHNORM_EPSILON);
}

/* Index of the residual's value that is added at `row`, channel c; -1 for none. */
static ptrdiff_t residual_index(const batch *b, size_t row, size_t c)
{
    const rncl_batchnorm_shape *s = b->shape;
    if (s->residual == RNCL_RESIDUAL_NONE)
        return -1;
    if (s->residual == RNCL_RESIDUAL_ADD)
        return (ptrdiff_t)(row * b->channels + c);
    if (c >= (size_t)s->residual_c)
        return -1;
    const int pixel = (int)row, column = pixel % s->w, line = pixel / s->w % s->h, n = pixel / s->w / s->h;
    const size_t taken =
        pixel_of(n, line * s->residual_stride, column * s->residual_stride, s->residual_h, s->residual_w);
    return (ptrdiff_t)(taken * (size_t)s->residual_c + c);
}

/* z of `row`, channel c. */
static double before_relu(const batch *b, moments m, size_t row, size_t c)
{
    const rncl_reference_batchnorm *t = b->t;
    const double normalised = (t->x[row * b->channels + c] - m.mean) * inverse_sigma(m);
    const ptrdiff_t residual = residual_index(b, row, c);
    return t->weight[c] * normalised + t->bias[c] + (residual < 0 ? 0.0 : t->residual[residual]);
}

/* dL/dz of `row`, channel c. */
static double gradient_before_relu(const batch *b, moments m, size_t row, size_t c)
{
    if (b->shape->relu && before_relu(b, m, row, c) <= 0.0)
        return 0.0;
    return b->t->dy[row * b->channels + c];
}

static void move_running_statistics(const batch *b, moments m, size_t c)
{
    const double unbiased = m.variance * (double)b->rows / (double)MAX(b->rows - 1, 1);
    const double momentum = (double)RNCL_BATCHNORM_MOMENTUM;
    b->t->running_mean[c] += momentum * (m.mean - b->t->running_mean[c]);
    b->t->running_variance[c] += momentum * (unbiased - b->t->running_variance[c]);
}

void rncl_reference_batchnorm_forward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t,
                                      int training)
{
    const batch b = batch_of(shape, t);
    for (size_t c = 0; c < b.channels; c++) {
        const moments m = moments_of(&b, c, training);
        if (training && t->running_mean)
            move_running_statistics(&b, m, c);
        for (size_t row = 0; row < b.rows; row++) {
            const double z = before_relu(&b, m, row, c);
            t->y[row * b.channels + c] = shape->relu && z < 0.0 ? 0.0 : z;
        }
    }
}

/* With the normalised x as xhat and dz = dL/dz: dbias = sum(dz), dweight = sum(dz xhat), and dx = weight /
 * sigma (dz - mean(dz) - xhat mean(dz xhat)). With running statistics, mean and sigma do not depend on x,
 * and the two mean terms vanish. */
static void channel_backward(const batch *b, moments m, size_t c, int training)
{
    const rncl_reference_batchnorm *t = b->t;
    const double inverse = inverse_sigma(m), rows = (double)b->rows;
    double dbias = 0.0, dweight = 0.0;
    for (size_t row = 0; row < b->rows; row++) {
        const double dz = gradient_before_relu(b, m, row, c);
        dbias += dz;
        dweight += dz * (t->x[row * b->channels + c] - m.mean) * inverse;
    }
    for (size_t row = 0; row < b->rows; row++) {
        const double dz = gradient_before_relu(b, m, row, c);
        const double xhat = (t->x[row * b->channels + c] - m.mean) * inverse;
        const double by_statistics = training ? dbias / rows + xhat * dweight / rows : 0.0;
        t->dx[row * b->channels + c] = t->weight[c] * inverse * (dz - by_statistics);
    }
    if (!t->dweight)
        return;
    t->dbias[c] = dbias;
    t->dweight[c] = dweight;
}

/* Pixels that the residual's stride skips are left unchanged. */
static void residual_backward(const batch *b, moments m, size_t c)
{
    for (size_t row = 0; row < b->rows; row++) {
        const ptrdiff_t residual = residual_index(b, row, c);
        if (residual >= 0)
            b->t->dresidual[residual] = gradient_before_relu(b, m, row, c);
    }
}

void rncl_reference_batchnorm_backward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t,
                                       int training)
{
    const batch b = batch_of(shape, t);
    const bool residual = t->dresidual && shape->residual != RNCL_RESIDUAL_NONE;
    if (residual && shape->residual == RNCL_RESIDUAL_PAD)
        clear(t->dresidual, shape->n, shape->residual_h, shape->residual_w, shape->residual_c);
    for (size_t c = 0; c < b.channels; c++) {
        const moments m = moments_of(&b, c, training);
        channel_backward(&b, m, c, training);
        if (residual)
            residual_backward(&b, m, c);
    }
}
