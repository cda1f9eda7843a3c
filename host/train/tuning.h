/* Tuning the operations of a network: for `rncl tune`, for option `tune` of training, and for the library. */
#ifndef RNCL_TRAIN_TUNING_H
#define RNCL_TRAIN_TUNING_H

#include "context.h"
#include "options.h"
#include "tune.h"

/* Budget of option `tune` "auto". */
#define RNCL_TUNING_BRIEF_SECONDS 60.0

/* What was tuned; freed by rncl_tuning_fini. */
typedef struct rncl_tuning {
    rncl_tune_task *tasks;
    size_t count;
    char store[RNCL_TEXT_LENGTH]; /* the file of results */
} rncl_tuning;

/* Tunes the network of the options, which are complete, at its micro-batch within the budget. Trials run in
 * child processes of options->tune_program; "" looks for the program as rncl_session_tune says. Progress goes
 * to the context's log. *out is zeroed on failure. */
rncl_status rncl_tuning_run(rncl_context *context, const rncl_options *options, double budget_seconds,
                            rncl_tuning *out);
void rncl_tuning_fini(rncl_tuning *tuning); /* harmless on a zeroed one */

/* Sums over all passes of a step, those that were not reached at their presets. */
rncl_tune_result rncl_tuning_result(const rncl_tuning *tuning);

#endif
