/* Rounding errors of compressed gradients. Rank 0 has room for those of all, so that checkpoints are one
 * file. */
#include "training_errors.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static size_t bytes_of_rank(const rncl_training *t)
{
    return t->graph->param_floats * sizeof *t->errors.values;
}

rncl_status rncl_training_allocate_errors(rncl_training *t)
{
    const size_t ranks = (size_t)rncl_ranks_count(t->ranks);
    if (ranks == 1 || !t->options->compress_gradients)
        return RNCL_OK;
    t->errors.ranks = rncl_ranks_first(t->ranks) ? ranks : 1;
    t->errors.found = ranks;
    t->errors.values = calloc(t->errors.ranks, bytes_of_rank(t));
    return t->errors.values ? RNCL_OK
                            : RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes for rounding errors of %zu ranks",
                                        t->errors.ranks * bytes_of_rank(t), t->errors.ranks);
}

rncl_status rncl_training_bring_errors(rncl_training *t)
{
    return t->errors.values ? rncl_ranks_bring(t->ranks, t->errors.values, bytes_of_rank(t)) : RNCL_OK;
}

void rncl_training_forget_errors(rncl_training *t)
{
    if (t->errors.values)
        memset(t->errors.values, 0, t->errors.ranks * bytes_of_rank(t));
}

rncl_status rncl_training_deal_errors(rncl_training *t)
{
    rncl_checkpoint_errors *errors = &t->errors;
    if (!errors->values)
        return RNCL_OK;
    if (rncl_ranks_first(t->ranks) && errors->found != errors->ranks) {
        rncl_training_forget_errors(t);
        rncl_log_line(
            &t->context->log, RNCL_LOG_NOTE,
            "rounding errors of compressed gradients were kept of %zu ranks, and begin at zero on %zu",
            errors->found, errors->ranks);
        errors->found = errors->ranks;
    }
    return rncl_ranks_deal(t->ranks, errors->values, bytes_of_rank(t));
}
