/* After a divergence: back to where the run was still good, with half the learning rate. */
#include <inttypes.h>

#include "file.h"
#include "run_folder.h"
#include "training.h"
#include "util.h"

/* Steps that are still on the device read the loader's memory. */
static rncl_status drop_outstanding(rncl_training *t)
{
    for (; t->state.step < t->enqueued; t->state.step++) {
        rncl_batch_result ignored;
        RNCL_TRY(rncl_network_collect(t->network, &ignored));
        rncl_loader_release(t->loader);
    }
    if (t->checks)
        rncl_spot_checks_drop(t->checks);
    return RNCL_OK;
}

rncl_status rncl_training_rewind(rncl_training *t, const char *name)
{
    RNCL_TRY(drop_outstanding(t));
    RNCL_TRY(rncl_training_load(t, name));
    RNCL_TRY(rncl_network_write(t->network, &t->vectors));
    rncl_loader_destroy(t->loader);
    t->loader = NULL;
    return rncl_training_open_loader(t);
}

/* Checkpoints by time lie elsewhere in every run: going back to one of them would give other bits. Where
 * somebody resumed from an older checkpoint, the one to go back to may be of a step that is yet to come. */
static rncl_status rewind_to_good(rncl_training *t)
{
    const int64_t bad = t->state.step;
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, RNCL_RUN_ROLLBACK, path));
    bool there = rncl_file_may_exist(path);
    RNCL_TRY(rncl_ranks_cast(t->ranks, &there, sizeof there));
    if (there)
        RNCL_TRY(rncl_training_rewind(t, RNCL_RUN_ROLLBACK));
    return t->state.step < bad ? RNCL_OK : rncl_training_rewind(t, RNCL_RUN_CHECKPOINT);
}

static rncl_status go_back(rncl_training *t)
{
    const int64_t rollbacks = t->state.rollbacks + 1;
    RNCL_TRY(rewind_to_good(t));
    t->state.rollbacks = rollbacks; /* the checkpoint may be older than the last time */
    t->improved = false;
    return rncl_ranks_first(t->ranks) ? rncl_training_open_records(t) : RNCL_OK;
}

rncl_status rncl_training_roll_back(rncl_training *t)
{
    char why[RNCL_TEXT_LENGTH];
    snprintf(why, sizeof why, "%s", rncl_status_message());
    if (!t->options->rollback)
        return RNCL_ERR_DIVERGED;
    if (t->state.rollbacks == RNCL_MOST_ROLLBACKS)
        return RNCL_FAIL(RNCL_ERR_DIVERGED, "%s; it went back %d times already", why, RNCL_MOST_ROLLBACKS);
    RNCL_TRY(go_back(t));
    rncl_log_line(&t->context->log, RNCL_LOG_WARNING,
                  "%s: going on from step %" PRId64 " with the learning rate times %g (%" PRId64
                  " of at most %d times)",
                  why, t->state.step, 1 / (double)(INT64_C(1) << t->state.rollbacks), t->state.rollbacks,
                  RNCL_MOST_ROLLBACKS);
    return rncl_training_save(t);
}
