/* The files that a run leaves behind. */
#include <inttypes.h>
#include <stdio.h>

#include "file.h"
#include "kept_checkpoints.h"
#include "run_folder.h"
#include "training_errors.h"
#include "util.h"

static rncl_status save_model(const rncl_training *t, const char *name)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, name, path));
    const rncl_network_vectors *v = &t->vectors;
    return rncl_model_save(path, t->graph, &t->meta, v->average ? v->average : v->params,
                           v->average ? v->average_state : v->state, t->state.batches_tracked);
}

/* The last checkpoint under the names that the options ask for. */
static rncl_status keep_checkpoint(const rncl_training *t, const char *last)
{
    const rncl_options *options = t->options;
    char path[RNCL_TEXT_LENGTH];
    if (options->keep > 1)
        RNCL_TRY(rncl_kept_checkpoints_add(options->out, last, t->state.step, options->keep));
    if (!options->rollback || !rncl_training_at_rollback_point(t))
        return RNCL_OK;
    RNCL_TRY(rncl_run_folder_path(options, RNCL_RUN_ROLLBACK, path));
    return rncl_file_link(last, path);
}

static rncl_status save_checkpoint(rncl_training *t)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, RNCL_RUN_CHECKPOINT, path));
    const rncl_checkpoint checkpoint = rncl_training_checkpoint(t, path);
    t->state.seconds = t->seconds_before + rncl_pace_seconds(&t->pace, rncl_time_ns());
    RNCL_TRY(rncl_checkpoint_save(&checkpoint, &t->state, &t->vectors));
    return keep_checkpoint(t, path);
}

/* Of averages too: those of finite values may overflow. */
static rncl_status check_finite(const rncl_training *t)
{
    const rncl_network_vectors *v = &t->vectors;
    const size_t params = t->graph->param_floats, state = t->graph->state_floats;
    if (rncl_all_finite(v->params, params) && rncl_all_finite(v->velocity, params) &&
        rncl_all_finite(v->state, state) &&
        (!v->average || (rncl_all_finite(v->average, params) && rncl_all_finite(v->average_state, state))))
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_DIVERGED,
                     "training diverged: after step %" PRId64 " the weights are not finite; lower --lr "
                     "or add --warmup-steps (%s keeps what was saved before)",
                     t->state.step, t->options->out);
}

/* Of what is in training->vectors. */
static rncl_status write_files(rncl_training *t)
{
    RNCL_TRY(check_finite(t));
    RNCL_TRY(save_model(t, RNCL_RUN_MODEL));
    if (t->improved)
        RNCL_TRY(save_model(t, RNCL_RUN_BEST));
    return save_checkpoint(t);
}

static rncl_status save(rncl_training *t)
{
    const uint64_t start_ns = rncl_time_ns();
    RNCL_TRY(rncl_network_read(t->network, &t->vectors));
    RNCL_TRY(write_files(t));
    rncl_save_clock_saved(&t->save_clock, start_ns, rncl_time_ns());
    return RNCL_OK;
}

rncl_status rncl_training_save(rncl_training *t)
{
    RNCL_TRY(rncl_training_bring_errors(t));
    RNCL_TRY(rncl_ranks_agree(t->ranks, rncl_ranks_first(t->ranks) ? save(t) : RNCL_OK));
    t->improved = false;
    t->agreed.save = false;
    return RNCL_OK;
}

rncl_status rncl_training_save_after_failure(rncl_training *t, rncl_status failure)
{
    char message[1024];
    if (rncl_ranks_count(t->ranks) == 1 || !rncl_ranks_first(t->ranks) || t->ranks->agreed ||
        failure == RNCL_ERR_WRONG_RESULT) /* which the weights may hold already */
        return failure;
    snprintf(message, sizeof message, "%s", rncl_status_message());
    rncl_training_forget_errors(t); /* some are of the step under way, and others are on their ranks */
    if (t->state.step != t->enqueued || rncl_network_read_before(t->network, &t->vectors) || write_files(t))
        return RNCL_FAIL(failure, "%s", message);
    return RNCL_FAIL(failure, "%s; saved after step %" PRId64 ", continue with `rncl train --resume %s`",
                     message, t->state.step, t->options->out);
}
