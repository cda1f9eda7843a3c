/* How long a step takes on several ranks, from what it takes on one and from what lies between them. */
#ifndef RNCL_PARALLEL_SCALING_MODEL_H
#define RNCL_PARALLEL_SCALING_MODEL_H

#include <stddef.h>

/* Gradients that are summed together, in the order in which backward completes them. */
typedef struct rncl_scaling_bucket {
    double bytes;
    double ready_ms; /* after the beginning of the step */
} rncl_scaling_bucket;

/* A step of one rank that has nobody to exchange with. */
typedef struct rncl_scaling_step {
    const rncl_scaling_bucket *buckets;
    size_t count;
    double backward_ms; /* end of backward after the beginning of the step */
    double update_ms;   /* what comes behind it */
} rncl_scaling_step;

/* Between any two ranks, both ways at once. */
typedef struct rncl_scaling_link {
    double gbit_s; /* 1e9 bits of messages a second */
    double latency_us;
} rncl_scaling_link;

typedef struct rncl_scaling {
    double step_ms;
    double exposed_ms; /* of it, waiting for others */
} rncl_scaling;

/* By the messages that rncl_ranks_sum and rncl_ranks_gather send; docs/scaling.md has the formula. The ranks
 * are alike and have as many pictures as the one. */
rncl_scaling rncl_scaling_predict(const rncl_scaling_step *step, int ranks, rncl_scaling_link link);

#endif
