/* The tuning results of a run. Other settings round differently, so that a run keeps those that it began with
 * beside its checkpoint: what is tuned meanwhile is for other runs. */
#include <stdlib.h>

#include "file.h"
#include "run_folder.h"
#include "training.h"
#include "util.h"

bool rncl_training_has_tuning(const rncl_options *options)
{
    char path[RNCL_TEXT_LENGTH];
    const bool told = options->tune && rncl_option_source_of(options, "tune") == RNCL_FROM_COMMAND_LINE;
    return options->resume[0] && !told && !rncl_run_folder_path(options, RNCL_RUN_TUNING, path) &&
           rncl_file_may_exist(path);
}

rncl_status rncl_training_open_store(rncl_training *t)
{
    char path[RNCL_TEXT_LENGTH];
    if (t->tuning_kept) {
        RNCL_TRY(rncl_run_folder_path(t->options, RNCL_RUN_TUNING, path));
        RNCL_TRY(rncl_store_open_kept(path, &t->context->info, &t->context->log, &t->store));
    }
    t->tuning_kept = t->store != NULL;
    return t->store ? RNCL_OK
                    : rncl_store_open(&t->context->info, t->context->precision, &t->context->log, &t->store);
}

/* The problems of the network's passes; the caller frees. */
static rncl_status list_problems(const rncl_network *network, rncl_problem **out, size_t *count)
{
    size_t ops = 0;
    while (rncl_network_op(network, ops))
        ops++;
    *count = 0;
    *out = calloc(RNCL_OP_PASSES * ops + 1, sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "problems of %zu operations", ops);
    for (size_t i = 0; i < ops; i++) {
        const rncl_op *op = rncl_network_op(network, i);
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
            if (!rncl_op_wants(op, pass))
                continue;
            const rncl_pass *tuned = rncl_pass_to_tune(&op->passes[pass]);
            (*out)[(*count)++] = (rncl_problem){.desc = tuned->desc, .pass = tuned->index};
        }
    }
    return RNCL_OK;
}

rncl_status rncl_training_keep_tuning(rncl_training *t)
{
    char path[RNCL_TEXT_LENGTH];
    rncl_problem *problems;
    size_t count;
    if (t->tuning_kept)
        return RNCL_OK;
    RNCL_TRY(rncl_run_folder_path(t->options, RNCL_RUN_TUNING, path));
    RNCL_TRY(list_problems(t->network, &problems, &count));
    const rncl_status st = rncl_store_keep(t->store, problems, count, path);
    free(problems);
    t->tuning_kept = !st;
    return st;
}
