/* The files that a run leaves behind. */
#include <inttypes.h>

#include "run_folder.h"
#include "training.h"
#include "util.h"

static rncl_status save_model(const rncl_training *t, const char *name)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, name, path));
    const rncl_network_vectors *v = &t->vectors;
    return rncl_model_save(path, t->graph, &t->meta, v->average ? v->average : v->params,
                           v->average ? v->average_state : v->state, t->state.batches_tracked);
}

rncl_status rncl_training_save(rncl_training *t)
{
    RNCL_TRY(rncl_network_read(t->network, &t->vectors));
    if (!rncl_all_finite(t->vectors.params, t->graph->param_floats) ||
        !rncl_all_finite(t->vectors.velocity, t->graph->param_floats) ||
        !rncl_all_finite(t->vectors.state, t->graph->state_floats))
        return RNCL_FAIL(RNCL_ERR_DIVERGED,
                         "training diverged: after step %" PRId64 " the weights are not finite; lower --lr "
                         "or add --warmup-steps (%s keeps what was saved before)",
                         t->state.step, t->options->out);
    RNCL_TRY(save_model(t, RNCL_RUN_MODEL));
    if (t->improved)
        RNCL_TRY(save_model(t, RNCL_RUN_BEST));
    t->improved = false;

    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, RNCL_RUN_CHECKPOINT, path));
    const rncl_checkpoint checkpoint = {.path = path,
                                        .fingerprint = t->fingerprint,
                                        .param_floats = t->graph->param_floats,
                                        .state_floats = t->graph->state_floats,
                                        .averaged = t->options->ema > 0};
    t->state.seconds = t->seconds_before + rncl_pace_seconds(&t->pace, rncl_time_ns());
    return rncl_checkpoint_save(&checkpoint, &t->state, &t->vectors);
}
