/* Loss and accuracy of a network over one pass of a loader. */
#ifndef RNCL_TRAIN_MEASURE_H
#define RNCL_TRAIN_MEASURE_H

#include <signal.h>

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

/* The loader's batches must be the network's. No batch may be outstanding before, and none is afterwards.
 * `stop` (or NULL): non-zero ends it with RNCL_ERR_INTERRUPTED and no result. `tally`: NULL, or
 * where the pictures are counted, and the result comes from; the network must hand out logits then.
 * `others`: NULL, or who else there is; not with a tally. */
rncl_status rncl_measure(rncl_network *network, const rncl_loader_options *loader,
                         const volatile sig_atomic_t *stop, rncl_tally *tally,
                         const rncl_measure_others *others, rncl_evaluation *result);

#endif
