/* One pass of a loader through a network: a batch is on the device while the next is fetched. */
#ifndef RNCL_TRAIN_INFERENCE_H
#define RNCL_TRAIN_INFERENCE_H

#include <signal.h>

#include "loader.h"
#include "network.h"
#include "status.h"

/* Takes one batch and its result; both are valid in the call. A failure ends the pass. */
typedef rncl_status rncl_batch_sink(void *user, const rncl_batch *batch, const rncl_batch_result *result);

/* The loader's batches, which end, must be the network's. No batch may be outstanding before, and none is
 * afterwards. `stop` (or NULL): non-zero ends it with RNCL_ERR_INTERRUPTED. */
rncl_status rncl_infer(rncl_network *network, const rncl_loader_options *loader,
                       const volatile sig_atomic_t *stop, rncl_batch_sink *sink, void *user);

#endif
