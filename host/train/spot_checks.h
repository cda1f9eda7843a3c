/* Passes of a running training, recomputed on the host: a slice of one pass of one layer at a time, all of
 * them in turn. What a pass reads is copied before it runs and what it writes behind it, so that memory that
 * is used again, or overwritten in place, does not matter, and the training computes the same bits as
 * without. */
#ifndef RNCL_TRAIN_SPOT_CHECKS_H
#define RNCL_TRAIN_SPOT_CHECKS_H

#include "network.h"

typedef struct rncl_spot_checks rncl_spot_checks;

/* `share`: of the time that checks may take, 0 to 1. `network` is one of `graph`; both must outlive all calls
 * but destroy, which comes after the network's end. */
rncl_status rncl_spot_checks_create(rncl_network *network, const rncl_graph *graph, double share,
                                    rncl_spot_checks **out);
void rncl_spot_checks_destroy(rncl_spot_checks *checks); /* takes NULL */

/* To be called before training step `step` is enqueued: looks at a pass of it if it is time for one. */
rncl_status rncl_spot_checks_begin(rncl_spot_checks *checks, int64_t step);

/* To be called when `step` has been collected. RNCL_ERR_WRONG_RESULT if what was looked at is not what the
 * host computes; the message names layer, pass, algorithm and error. */
rncl_status rncl_spot_checks_end(rncl_spot_checks *checks, int64_t step);

/* The pass that is looked at next, and making another one that. */
size_t rncl_spot_checks_next(const rncl_spot_checks *checks);
void rncl_spot_checks_set_next(rncl_spot_checks *checks, size_t next);

/* What has been done so far. */
typedef struct rncl_spot_checks_facts {
    size_t passes; /* that a round looks at */
    int64_t checks;
    double seconds; /* that the host has spent on them */
    double worst;   /* largest error, as a share of what is allowed */
} rncl_spot_checks_facts;

rncl_spot_checks_facts rncl_spot_checks_facts_of(const rncl_spot_checks *checks);

#endif
