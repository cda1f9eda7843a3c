/* Where a divergence began. Steps repeat themselves to the bit, so that those since the last checkpoint are
 * taken again; the last two are looked at pass by pass, since what one of them writes may show in the next.
 */
#include <inttypes.h>

#include "run_folder.h"
#include "training.h"
#include "util.h"

/* Longer than this nobody should wait for a remark. */
static const double most_seconds = 60;

static bool takes_too_long(const rncl_training *t, int64_t steps)
{
    const double rate = rncl_pace_steps_per_second(&t->pace.all);
    return rate > 0 && (double)steps > most_seconds * rate;
}

static rncl_status repeat_step(rncl_training *t)
{
    rncl_batch_result ignored;
    RNCL_TRY(rncl_training_enqueue(t));
    RNCL_TRY(rncl_network_collect(t->network, &ignored));
    rncl_loader_release(t->loader);
    t->state.step++;
    return RNCL_OK;
}

/* From the last checkpoint on, until something is found or step `bad` is done. */
static rncl_status seek_in_steps(rncl_training *t, int64_t bad, char where[RNCL_SEEK_TEXT])
{
    RNCL_TRY(rncl_training_rewind(t, RNCL_RUN_CHECKPOINT));
    if (takes_too_long(t, bad - t->state.step))
        return RNCL_OK;
    while (t->state.step < bad && !where[0] && !rncl_training_stopped(t)) {
        if (t->state.step >= bad - 2)
            rncl_network_seek(t->network, where);
        const rncl_status st = repeat_step(t);
        rncl_network_seek(t->network, NULL);
        RNCL_TRY(st);
    }
    return RNCL_OK;
}

static rncl_status seek_in_evaluation(rncl_training *t, char where[RNCL_SEEK_TEXT])
{
    rncl_evaluation ignored;
    rncl_network_seek(t->network, where);
    const rncl_status st = rncl_training_measure(t, &ignored);
    rncl_network_seek(t->network, NULL);
    return st;
}

rncl_status rncl_training_explain(rncl_training *t)
{
    char why[RNCL_TEXT_LENGTH], where[RNCL_SEEK_TEXT] = "";
    snprintf(why, sizeof why, "%s", rncl_status_message());
    const rncl_run_state then = t->state;
    const bool in_evaluation = t->evaluation_diverged;
    const rncl_status st = in_evaluation ? seek_in_evaluation(t, where) : seek_in_steps(t, then.step, where);
    const int64_t step = t->state.step;
    t->state = then;
    t->enqueued = then.step;
    t->evaluation_diverged = false;
    if (st || !where[0]) /* a search that fails must not hide what it was for */
        return RNCL_FAIL(RNCL_ERR_DIVERGED, "%s", why);
    return RNCL_FAIL(RNCL_ERR_DIVERGED, "%s; the first values that were not finite: %s, %s step %" PRId64,
                     why, where, in_evaluation ? "evaluated after" : "in", step);
}
