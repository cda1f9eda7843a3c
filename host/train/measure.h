/* Loss and accuracy of a network over one pass of a loader. */
#ifndef RNCL_TRAIN_MEASURE_H
#define RNCL_TRAIN_MEASURE_H

#include <signal.h>

#include "inference.h"
#include "loader.h"
#include "network.h"
#include "rncl/rncl.h"
#include "status.h"
#include "tally.h"

/* Whoever measures the same network on other pictures. */
typedef struct rncl_measure_others {
    /* Replaces the sums by everybody's; the first failure of all, if any. */
    rncl_status (*join)(void *user, rncl_status status, rncl_batch_result *sums);
    void *user;
} rncl_measure_others;

typedef struct rncl_measure_setup {
    const rncl_loader_options *loader; /* its batches must be the network's */
    const volatile sig_atomic_t
        *stop;             /* non-zero: ends with RNCL_ERR_INTERRUPTED and no result; may be NULL */
    rncl_tally *tally;     /* where pictures are counted, and the result comes from: the network must hand out
                              logits then; may be NULL */
    rncl_batch_sink *sink; /* hears of each batch, too; may be NULL */
    void *user;            /* of `sink` */
    const rncl_measure_others *others; /* NULL: there are none; not with a tally */
} rncl_measure_setup;

/* No batch may be outstanding before, and none is afterwards. */
rncl_status rncl_measure(rncl_network *network, const rncl_measure_setup *setup, rncl_evaluation *result);

#endif
