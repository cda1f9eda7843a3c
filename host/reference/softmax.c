/* Softmax cross-entropy with label smoothing. */
#include <math.h>

#include "reference.h"

static int rank_of(const double *row, size_t k, size_t label)
{
    int rank = 0;
    for (size_t i = 0; i < k; i++)
        rank += row[i] > row[label] || (row[i] == row[label] && i < label);
    return rank;
}

/* log of the sum of exp(row). */
static double log_sum_exp(const double *row, size_t k)
{
    double largest = row[0], sum = 0.0;
    for (size_t i = 1; i < k; i++)
        largest = fmax(largest, row[i]);
    for (size_t i = 0; i < k; i++)
        sum += exp(row[i] - largest);
    return largest + log(sum);
}

void rncl_reference_softmax(const rncl_softmax_shape *s, const double *logits, const int32_t *labels,
                            double label_smoothing, double scale, rncl_reference_loss *loss, double *dlogits)
{
    size_t k = (size_t)s->k;
    *loss = (rncl_reference_loss){0};
    for (size_t n = 0; n < (size_t)s->n; n++) {
        const double *row = logits + n * k;
        double *gradient = dlogits + n * k;
        for (size_t i = 0; i < k; i++)
            gradient[i] = 0.0;
        if (labels[n] == RNCL_NO_LABEL)
            continue;
        size_t label = (size_t)labels[n];
        double log_sum = log_sum_exp(row, k);
        for (size_t i = 0; i < k; i++) {
            double target = (i == label ? 1.0 - label_smoothing : 0.0) + label_smoothing / (double)k;
            loss->loss += target * (log_sum - row[i]);
            gradient[i] = scale * (exp(row[i] - log_sum) - target);
        }
        int rank = rank_of(row, k, label);
        loss->top1 += rank == 0;
        loss->top5 += rank < 5;
        loss->counted++;
    }
}
