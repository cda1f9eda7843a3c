/* Dynamic loss scaling (Micikevicius et al. 2018, section 3.2): the loss is multiplied by a scale, so that
 * gradients that are stored as half do not become zero, and parameter gradients are divided by it before the
 * update. A step with gradients that are not finite is not taken. */
#ifndef RNCL_NN_LOSS_SCALE_H
#define RNCL_NN_LOSS_SCALE_H

#include <stdbool.h>
#include <stdint.h>

/* Only 64-bit fields: it is in checkpoints byte for byte. */
typedef struct rncl_loss_scale {
    double scale;  /* a power of two, from 1 on */
    int64_t steps; /* that have been taken since it last changed */
} rncl_loss_scale;

enum { RNCL_LOSS_SCALE_PERIOD = 2000 };

/* 2^16, as PyTorch's. */
rncl_loss_scale rncl_loss_scale_start(void);

/* Whether a run can have it. */
bool rncl_loss_scale_is_possible(const rncl_loss_scale *scale);

/* After a step: half the scale after one that was not taken, twice the scale after RNCL_LOSS_SCALE_PERIOD in
 * a row that were. False if it would fall below 1: it stays, since the fault is not the scale's. */
bool rncl_loss_scale_step(rncl_loss_scale *scale, bool taken);

#endif
