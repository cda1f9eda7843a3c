/* A network's answer for one picture whose class is known. */
#ifndef RNCL_TRAIN_VERDICT_H
#define RNCL_TRAIN_VERDICT_H

typedef struct rncl_verdict {
    int label, answer;         /* classes; the answer is the most probable one, of equal ones the first */
    double share, label_share; /* softmax of the answer and of the label, 0 to 1 */
} rncl_verdict;

/* logits [classes]. Of logits that are not finite the answer means nothing, and the shares are NaN. */
rncl_verdict rncl_verdict_of(const float *logits, int classes, int label);

#endif
