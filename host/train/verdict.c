/* Softmax of one picture. */
#include "verdict.h"

#include <math.h>

rncl_verdict rncl_verdict_of(const float *logits, int classes, int label)
{
    rncl_verdict verdict = {.label = label};
    for (int i = 1; i < classes; i++)
        if (logits[i] > logits[verdict.answer])
            verdict.answer = i;
    const double most = (double)logits[verdict.answer];
    double sum = 0;
    for (int i = 0; i < classes; i++)
        sum += exp((double)logits[i] - most);
    verdict.share = 1 / sum;
    verdict.label_share = exp((double)logits[label] - most) / sum;
    return verdict;
}
