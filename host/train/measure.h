/* Loss and accuracy of a network over one pass of a loader. */
#ifndef RNCL_TRAIN_MEASURE_H
#define RNCL_TRAIN_MEASURE_H

#include <signal.h>

#include "loader.h"
#include "network.h"
#include "rncl/rncl.h"
#include "status.h"
#include "tally.h"

/* The loader's batches must be the network's. No batch may be outstanding before, and none is afterwards.
 * `stop` (or NULL): non-zero ends it with RNCL_ERR_INTERRUPTED and no result. `tally`: NULL, or
 * where the pictures are counted, and the result comes from; the network must hand out logits then. */
rncl_status rncl_measure(rncl_network *network, const rncl_loader_options *loader,
                         const volatile sig_atomic_t *stop, rncl_tally *tally, rncl_evaluation *result);

#endif
