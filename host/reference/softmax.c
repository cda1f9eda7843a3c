/* Softmax cross-entropy, a row at a time. */
#include <assert.h>
#include <math.h>

#include "layout.h"
#include "reference.h"
#include "util.h"

static int rank_of(const double *logits, int classes, int label)
{
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

void rncl_reference_softmax(const rncl_softmax_shape *shape, const double *logits, const int32_t *labels,
                            double label_smoothing, double scale, rncl_reference_loss *loss, double *dlogits)
{
    *loss = (rncl_reference_loss){0};
    clear(dlogits, 1, 1, shape->n, shape->k);
    for (int n = 0; n < shape->n; n++) {
        if (labels[n] == RNCL_NO_LABEL)
            continue;
        assert(labels[n] >= 0 && labels[n] < shape->k);
        const size_t offset = (size_t)n * (size_t)shape->k;
        const double *row = logits + offset;
        double *gradient = dlogits + offset;
        const double log_sum = log_sum_exp(row, shape->k);
        for (int i = 0; i < shape->k; i++) {
            const double onehot = i == labels[n] ? 1.0 : 0.0, log_probability = row[i] - log_sum;
            const double target = (1.0 - label_smoothing) * onehot + label_smoothing / shape->k;
            loss->loss -= target * log_probability;
            gradient[i] = scale * (exp(log_probability) - target);
        }
        const int rank = rank_of(row, shape->k, labels[n]);
        loss->top1 += rank == 0;
        loss->top5 += rank < 5;
        loss->counted++;
    }
}
