/* Passes of a running training, recomputed on the host: a slice of one pass at a time, all passes that a step
 * runs in turn. The training computes the same bits as without. */
#ifndef RNCL_TRAIN_SPOT_CHECKS_H
#define RNCL_TRAIN_SPOT_CHECKS_H

#include "network.h"

typedef struct rncl_spot_checks rncl_spot_checks;

/* What a check looks at: the pass, and by seed and step, the micro-batch and slice. */
typedef struct rncl_spot_check {
    size_t pass; /* in the order of a round */
    int64_t step;
} rncl_spot_check;

/* `share`: of the time that checks may take, 0 to 1. `seed`: decides about slices. `network` must outlive all
 * calls but destroy, which comes after the network's end. */
rncl_status rncl_spot_checks_create(rncl_network *network, double share, uint64_t seed,
                                    rncl_spot_checks **out);
void rncl_spot_checks_destroy(rncl_spot_checks *checks); /* takes NULL */

/* To be called before training step `step` is enqueued: looks at a pass of it if it is time for one. */
rncl_status rncl_spot_checks_begin(rncl_spot_checks *checks, int64_t step);

/* To be called when `step` has been collected. RNCL_ERR_WRONG_RESULT if what was looked at is not what the
 * host computes; the message names layer, pass, algorithm and error. */
rncl_status rncl_spot_checks_end(rncl_spot_checks *checks, int64_t step);

/* Forgets what is being looked at; no step may be outstanding. */
void rncl_spot_checks_drop(rncl_spot_checks *checks);

/* What was looked at last, and making it what is looked at next, whatever the step. */
rncl_spot_check rncl_spot_checks_last(const rncl_spot_checks *checks);
void rncl_spot_checks_repeat(rncl_spot_checks *checks, rncl_spot_check check);

/* What has been done so far. */
typedef struct rncl_spot_checks_facts {
    size_t passes; /* that a round looks at */
    int64_t checks;
    double seconds; /* that the host has spent on them */
    double worst;   /* largest error, as a share of what is allowed */
} rncl_spot_checks_facts;

rncl_spot_checks_facts rncl_spot_checks_facts_of(const rncl_spot_checks *checks);

#endif
