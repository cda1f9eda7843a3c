/* Ranks, losses and the confusion matrix. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rncl/kernel_abi.h"
#include "util.h"

rncl_status rncl_tally_init(rncl_tally *tally, int classes, int crops)
{
    const size_t count = (size_t)classes;
    *tally = (rncl_tally){.classes = classes, .crops = crops};
    tally->confusion = calloc(count * count, sizeof *tally->confusion);
    tally->scores = calloc(count, sizeof *tally->scores);
    if (tally->confusion && tally->scores)
        return RNCL_OK;
    rncl_tally_fini(tally);
    return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to count %d classes", classes);
}

void rncl_tally_fini(rncl_tally *tally)
{
    free(tally->confusion);
    free(tally->scores);
    *tally = (rncl_tally){0};
}

/* log(exp(a) + exp(b)) without overflow; `b` is finite. */
static double log_add(double a, double b)
{
    return fmax(a, b) + log1p(exp(-fabs(a - b)));
}

/* Adds a crop's probabilities, all of them as logarithms. */
static void add_softmax(const float *logits, int classes, bool first, double *scores)
{
    double largest = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++)
        largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < classes; i++)
        sum += exp((double)logits[i] - largest);
    for (int i = 0; i < classes; i++) {
        const double share = (double)logits[i] - largest - log(sum);
        scores[i] = first ? share : log_add(scores[i], share);
    }
}

/* How many classes score higher than this one. */
static int rank_of(const double *scores, int classes, int label)
{
    int rank = 0;
    for (int i = 0; i < classes; i++)
        rank += scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
    return rank;
}

static int best_of(const double *scores, int classes)
{
    int best = 0;
    for (int i = 1; i < classes; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static void count_answer(rncl_tally *tally, int label)
{
    const int rank = rank_of(tally->scores, tally->classes, label);
    const int answer = best_of(tally->scores, tally->classes);
    tally->top1 += rank == 0;
    tally->top5 += rank < 5;
    tally->loss += log(tally->crops) - tally->scores[label];
    tally->confusion[(size_t)label * (size_t)tally->classes + (size_t)answer]++;
}

static void finish_picture(rncl_tally *tally, int label)
{
    tally->images++;
    if (tally->spoilt) {
        tally->not_finite++;
        tally->loss = NAN;
    } else {
        count_answer(tally, label);
    }
    tally->entries = 0;
    tally->spoilt = false;
}

void rncl_tally_add(rncl_tally *tally, const float *logits, const int32_t *labels, int count)
{
    for (int i = 0; i < count; i++) {
        const float *entry = logits + (size_t)i * (size_t)tally->classes;
        if (labels[i] == RNCL_NO_LABEL)
            continue;
        tally->spoilt |= !rncl_all_finite(entry, (size_t)tally->classes);
        if (!tally->spoilt)
            add_softmax(entry, tally->classes, tally->entries == 0, tally->scores);
        tally->entries++;
        if (tally->entries == tally->crops)
            finish_picture(tally, labels[i]);
    }
}
