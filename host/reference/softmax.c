/* Softmax cross-entropy, a row at a time. */
#include <assert.h>
#include <math.h>

#include "layout.h"
#include "reference.h"
#include "util.h"

static bool all_finite(const double *logits, int classes)
{
    for (int i = 0; i < classes; i++)
        if (!isfinite(logits[i]))
            return false;
    return true;
}

int rncl_reference_rank(const double *logits, int classes, int label)
{
    if (!all_finite(logits, classes))
        return RNCL_RANK_NOT_FINITE;
    int rank = 0;
    for (int i = 0; i < classes; i++)
        rank += logits[i] > logits[label] || (logits[i] == logits[label] && i < label);
    return rank;
}

/* log of the sum of exp(logits), without overflow. */
static double log_sum_exp(const double *logits, int classes)
{
    double largest = logits[0], sum = 0.0;
    for (int i = 1; i < classes; i++)
        largest = MAX(largest, logits[i]);
    for (int i = 0; i < classes; i++)
        sum += exp(logits[i] - largest);
    return largest + log(sum);
}

/* Weight of the log-probability of class i in the row's loss. */
static double target_of(const rncl_reference_targets *t, int classes, int row, int i)
{
    const int label = t->labels[row], partner = t->partners ? t->partners[row] : label;
    const double mixed = (1.0 - t->mix) * (i == label) + t->mix * (i == partner);
    const double target = (1.0 - t->label_smoothing) * mixed + t->label_smoothing / classes;
    return t->weights ? target * t->weights[i] : target;
}

static void row_loss(const rncl_softmax_shape *shape, const double *logits, const rncl_reference_targets *t,
                     int row, double scale, rncl_reference_loss *loss, double *dlogits)
{
    loss->counted++;
    if (!all_finite(logits, shape->k)) {
        loss->loss = NAN;
        for (int i = 0; i < shape->k; i++)
            dlogits[i] = NAN;
        return;
    }
    const double log_sum = log_sum_exp(logits, shape->k);
    double all = 0.0;
    for (int i = 0; i < shape->k; i++) {
        const double target = target_of(t, shape->k, row, i);
        loss->loss -= target * (logits[i] - log_sum);
        all += target;
    }
    for (int i = 0; i < shape->k; i++)
        dlogits[i] = scale * (all * exp(logits[i] - log_sum) - target_of(t, shape->k, row, i));
    const int rank = rncl_reference_rank(logits, shape->k, t->mix > 0.5 ? t->partners[row] : t->labels[row]);
    loss->top1 += rank == 0;
    loss->top5 += rank < 5;
}

void rncl_reference_softmax(const rncl_softmax_shape *shape, const double *logits,
                            const rncl_reference_targets *targets, double scale, rncl_reference_loss *loss,
                            double *dlogits)
{
    *loss = (rncl_reference_loss){0};
    clear(dlogits, 1, 1, shape->n, shape->k);
    for (int row = 0; row < shape->n; row++) {
        if (targets->labels[row] == RNCL_NO_LABEL)
            continue;
        assert(targets->labels[row] >= 0 && targets->labels[row] < shape->k);
        const size_t offset = (size_t)row * (size_t)shape->k;
        row_loss(shape, logits + offset, targets, row, scale, loss, dlogits + offset);
    }
}
