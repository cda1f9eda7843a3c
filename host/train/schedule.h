/* Learning rates: what the rate of a step is, as a function of the step and of how evaluations went. */
#ifndef RNCL_TRAIN_SCHEDULE_H
#define RNCL_TRAIN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "status.h"

enum { RNCL_SCHEDULE_MARKS = 16 };

typedef struct rncl_schedule {
    rncl_schedule_kind kind;
    float lr;             /* before anything divides it */
    int64_t steps;        /* of the whole run */
    int64_t warmup_steps; /* in which the rate rises linearly, or is warmup_lr; 0: none */
    float warmup_lr;      /* 0: it rises */
    int patience;
    double marks[RNCL_SCHEDULE_MARKS]; /* step: steps, rising */
    size_t mark_count;
} rncl_schedule;

/* How evaluations have gone so far. Plain data of 64-bit fields: checkpoints keep it. */
typedef struct rncl_plateau {
    double best_error; /* infinite before the first evaluation */
    int64_t waited;    /* evaluations since the best one, or since the last drop */
    int64_t drops;
    int64_t stale; /* evaluations since the best one */
} rncl_plateau;

/* RNCL_ERR_USAGE if options->lr_steps are not up to RNCL_SCHEDULE_MARKS steps, or shares of the run below 1,
 * one behind the other. */
rncl_status rncl_schedule_init(const rncl_options *options, int64_t steps, rncl_schedule *out);

/* The rate of the step before which `step` others were done. */
float rncl_schedule_lr(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step);

/* The share that the newest weights have in an exponential moving average with this decay, at the step with
 * this number (from 1 on): that of 1 - decay in a sum of all weights so far, (1 - decay) / (1 - decay^step),
 * so that the first average is the first weights (the bias correction of Kingma and Ba 2015, section 3). 0
 * for a decay of 0, which means no average. */
float rncl_average_share(float decay, int64_t step);

rncl_plateau rncl_plateau_start(void);
/* Takes in one evaluation's error. */
void rncl_plateau_update(rncl_plateau *plateau, double error, int patience);

#endif
