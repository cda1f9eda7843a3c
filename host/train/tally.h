/* What an evaluation counts from logits: right answers, the loss, the confusion matrix; of one crop a
 * picture, or of the mean of several. */
#ifndef RNCL_TRAIN_TALLY_H
#define RNCL_TRAIN_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

typedef struct rncl_tally {
    int classes;
    int crops; /* entries in a row that are one picture */
    int64_t images, top1, top5;
    int64_t not_finite;  /* images of which a logit was NaN or infinite: they count as wrong */
    double loss;         /* sum over the images; NaN with the first that is not finite */
    uint64_t *confusion; /* [classes][classes], rows: the truth, columns: the answer, if there is one */

    double *scores; /* [classes], logarithms of probabilities summed over the crops so far of one picture */
    int entries;
    bool spoilt; /* one of the crops so far was not finite */
} rncl_tally;

rncl_status rncl_tally_init(rncl_tally *tally, int classes, int crops);
void rncl_tally_fini(rncl_tally *tally); /* harmless on a zeroed one */

/* The next `count` entries: logits [count][classes]; RNCL_NO_LABEL leaves an entry out, and then all crops of
 * a picture. A picture's answer is the mean of its crops' softmax outputs, as in Krizhevsky et al. 2012,
 * whose ten crops He et al. 2015 (section 3.4) take over; its loss is -log of the label's share, computed
 * from logarithms, since shares of unlikely classes are 0 in floating point. Of equal classes the first
 * counts as the better, as in the softmax kernel. */
void rncl_tally_add(rncl_tally *tally, const float *logits, const int32_t *labels, int count);

#endif
