/* Tuning a network's operations, for `rncl tune` and `rncl train --tune auto`. */
#ifndef RNCL_CLI_TUNE_NETWORK_H
#define RNCL_CLI_TUNE_NETWORK_H

#include "console.h"
#include "tune.h"

/* What was tuned; the tasks are the caller's to free. */
typedef struct rncl_tuned_network {
    rncl_tune_task *tasks;
    size_t count;
} rncl_tuned_network;

/* Tunes the network of the options at its micro-batch, within the budget, in workers of this program;
 * progress goes to the console. `classes` and `image` are set in the options. */
rncl_status rncl_tune_network(rncl_console *console, rncl_context *context, const rncl_options *options,
                              double budget_seconds, rncl_tuned_network *out);

#endif
