/* Somebody who looks at the passes of a network while a batch is enqueued. */
#ifndef RNCL_NN_PASS_OBSERVER_H
#define RNCL_NN_PASS_OBSERVER_H

#include "op.h"

/* A pass of an operation on a micro-batch, or on the network's parameters. */
typedef struct rncl_pass_at {
    rncl_op *op;
    int pass;
    const char *name; /* of the layer; of what is none "loss", "mixup", "parameters" or "averages" */
    const rncl_op_buffers *buffers;
    const rncl_op_scalars *scalars;
    int turn, turns; /* this time of how many in the batch */
    bool done;       /* it has been enqueued */
} rncl_pass_at;

/* `look` is called before and behind each pass, and may enqueue reads of the buffers, or wait for them. */
typedef struct rncl_pass_observer {
    rncl_status (*look)(void *user, const rncl_pass_at *at); /* NULL: nobody */
    void *user;
} rncl_pass_observer;

/* Enqueues the pass, with the observer's looks round it. */
rncl_status rncl_pass_enqueue_observed(const rncl_pass_observer *observer, const rncl_pass_at *at);

#endif
