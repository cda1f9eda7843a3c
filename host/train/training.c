/* Steps, evaluations, and the loop over both. Two steps are outstanding while several are taken: one is
 * enqueued before the one ahead of it has been collected. */
#include "training.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "measure.h"
#include "random.h"
#include "run_folder.h"
#include "training_errors.h"
#include "training_ranks.h"
#include "training_shares.h"
#include "util.h"

/* ---- when ---- */

static int64_t pictures_after(const rncl_training *t, int64_t step)
{
    return step * t->options->batch_size;
}

static double epochs_after(const rncl_training *t, int64_t step)
{
    return (double)pictures_after(t, step) / (double)t->inputs.training->info.count;
}

/* Pictures between two evaluations. */
static int64_t period(const rncl_training *t)
{
    const double pictures = (double)t->options->eval_every * t->inputs.training->info.count;
    return MAX(llround(pictures), 1);
}

/* Evaluations that are due within so many steps: each at the first end of a step after its period. */
static int64_t evaluations_after(const rncl_training *t, int64_t step)
{
    return pictures_after(t, step) / period(t);
}

static bool at_period(const rncl_training *t, int64_t step)
{
    return step > 0 && evaluations_after(t, step) > evaluations_after(t, step - 1);
}

bool rncl_training_asked_to_stop(const rncl_training *t)
{
    return t->listener.stop && *t->listener.stop;
}

bool rncl_training_stopped(const rncl_training *t)
{
    return rncl_ranks_count(t->ranks) > 1 ? t->agreed.stop : rncl_training_asked_to_stop(t);
}

/* However short the time limit, one step is taken. */
bool rncl_training_out_of_own_time(const rncl_training *t)
{
    const double limit = (double)t->options->time_limit;
    return limit > 0 && t->pace.steps > 0 && rncl_pace_seconds(&t->pace, rncl_time_ns()) >= limit;
}

static bool out_of_time(const rncl_training *t)
{
    return rncl_ranks_count(t->ranks) > 1 ? t->agreed.out_of_time : rncl_training_out_of_own_time(t);
}

bool rncl_training_evaluation_due(const rncl_training *t)
{
    return t->state.evaluated_step != t->state.step &&
           (at_period(t, t->state.step) || t->state.step >= t->steps || out_of_time(t));
}

/* Only evaluations that were due count, as for the plateau schedule. */
static bool stopped_early(const rncl_training *t)
{
    const int patience = t->options->early_stop;
    return patience && t->state.step < t->steps && t->state.plateau.stale >= patience;
}

bool rncl_training_finished(const rncl_training *t)
{
    return (t->state.step >= t->steps || out_of_time(t) || stopped_early(t)) &&
           !rncl_training_evaluation_due(t);
}

int64_t rncl_training_steps_ahead(const rncl_training *t)
{
    if (rncl_training_evaluation_due(t) || rncl_training_finished(t))
        return 0;
    const int64_t done = t->state.step, batch = t->options->batch_size, every = t->options->checkpoint_every;
    const int64_t evaluation = (evaluations_after(t, done) + 1) * period(t);
    int64_t boundary = MIN(t->steps, (evaluation + batch - 1) / batch);
    if (every)
        boundary = MIN(boundary, (done / every + 1) * every);
    return boundary - done;
}

bool rncl_training_at_rollback_point(const rncl_training *t)
{
    const int64_t step = t->state.step, every = t->options->checkpoint_every;
    return !rncl_training_evaluation_due(t) &&
           (step == 0 || at_period(t, step) || (every && step % every == 0));
}

/* The rate of the step that follows `step` others. No evaluation comes between enqueueing and collecting a
 * step, so that both see the same rate. */
static float lr_at(const rncl_training *t, int64_t step)
{
    return ldexpf(rncl_schedule_lr(&t->schedule, &t->state.plateau, step), -(int)t->state.rollbacks);
}

/* ---- reports ---- */

static double seconds_left(const rncl_training *t, double seconds)
{
    const double rate = rncl_pace_steps_per_second(&t->pace.all);
    const double left = rate > 0 ? (double)(t->steps - t->state.step) / rate : NAN;
    const double limit = (double)t->options->time_limit;
    return limit > 0 ? fmin(left, fmax(limit - seconds, 0)) : left;
}

rncl_progress rncl_training_progress(const rncl_training *t, bool evaluated)
{
    const double seconds = rncl_pace_seconds(&t->pace, rncl_time_ns());
    return (rncl_progress){
        .step = t->state.step,
        .steps = t->steps,
        .epoch = epochs_after(t, t->state.step),
        .epochs = epochs_after(t, t->steps),
        .loss = t->last.loss / t->last.weight,
        .top1 = 100.0 * t->last.top1 / t->last.count,
        .lr = t->last_lr,
        .images_per_second = t->options->batch_size * rncl_pace_steps_per_second(&t->pace.all),
        .seconds = seconds,
        .seconds_left = t->pace.all.steps ? seconds_left(t, seconds) : NAN,
        .waiting = rncl_pace_waiting(&t->pace.all),
        .evaluated = evaluated,
        .val_loss = t->state.val_loss,
        .val_top1 = t->state.val_top1,
        .val_top5 = t->state.val_top5,
        .first_step_seconds = 1e-9 * (double)t->pace.first_step_ns,
    };
}

static void report(const rncl_training *t, bool evaluated)
{
    if (!t->listener.progress)
        return;
    const rncl_progress progress = rncl_training_progress(t, evaluated);
    t->listener.progress(t->listener.user, &progress);
}

void rncl_training_result(const rncl_training *t, rncl_train_result *result)
{
    *result = (rncl_train_result){
        .steps = t->state.step,
        .seconds = rncl_pace_seconds(&t->pace, rncl_time_ns()),
        .images_per_second = t->options->batch_size * rncl_pace_steps_per_second(&t->pace.all),
        .waiting = rncl_pace_waiting(&t->pace.all),
        .val_loss = t->state.val_loss,
        .val_top1 = t->state.val_top1,
        .val_top5 = t->state.val_top5,
        .best_top1 = t->state.best_top1,
    };
    memcpy(result->run, t->options->out, sizeof result->run);
}

/* ---- steps ---- */

/* One share for a batch, a function of seed and step. */
static float mixup_at(const rncl_training *t, int64_t step)
{
    const float alpha = t->options->mixup;
    if (!(alpha > 0))
        return 0;
    rncl_random random = rncl_random_stream(t->options->seed, RNCL_RANDOM_MIXUP,
                                            (uint32_t)((uint64_t)step >> 32), (uint32_t)step);
    return rncl_random_beta(&random, alpha);
}

rncl_status rncl_training_enqueue_at(rncl_training *t, float lr)
{
    const rncl_batch *batch;
    RNCL_TRY(rncl_loader_next(t->loader, &batch));
    rncl_update_rule rule = {
        .lr = lr, .momentum = t->options->momentum, .weight_decay = t->options->weight_decay};
    rule.mixup = mixup_at(t, t->enqueued);
    rule.average_share = rncl_average_share(t->options->ema, t->enqueued + 1);
    RNCL_TRY(rncl_network_train(t->network, batch->images, batch->labels, &rule));
    t->enqueued++;
    return RNCL_OK;
}

rncl_status rncl_training_enqueue(rncl_training *t)
{
    return rncl_training_enqueue_at(t, lr_at(t, t->enqueued));
}

static rncl_status write_step(rncl_training *t, double loss, float lr)
{
    RNCL_TRY(rncl_metrics_add_step(&t->metrics, t->state.step, loss, lr));
    return rncl_event_log_step(t->events, t->state.step, loss, lr);
}

/* A step that was not taken is none that has diverged, unless no scale would have helped. */
static rncl_status check_loss_scale(rncl_training *t)
{
    if (t->last.too_large) {
        rncl_training_found_by_all(t);
        return RNCL_FAIL(RNCL_ERR_DIVERGED,
                         "training diverged: the gradients of step %" PRId64
                         " are not finite, even without a scaled loss; lower --lr, add --warmup-steps or use "
                         "--precision fp32 (%s keeps what was saved before)",
                         t->state.step, t->options->out);
    }
    if (t->last.skipped)
        rncl_training_forget_errors(t); /* they are not finite either */
    if (t->last.skipped && rncl_ranks_first(t->ranks))
        rncl_log_line(&t->context->log, RNCL_LOG_DETAIL,
                      "step %" PRId64 " is not taken: its gradients are not finite at a loss scale of %.0f",
                      t->state.step, t->last.loss_scale);
    return RNCL_OK;
}

static rncl_status collect_step(rncl_training *t)
{
    RNCL_TRY(rncl_network_collect(t->network, &t->last));
    rncl_loader_release(t->loader);
    if (t->checks)
        RNCL_TRY(rncl_spot_checks_end(t->checks, t->state.step));
    rncl_pace_step(&t->pace, rncl_time_ns(), rncl_loader_waited_ns(t->loader));

    const rncl_network_facts *facts = rncl_network_facts_of(t->network);
    const float lr = t->last_lr = lr_at(t, t->state.step);
    const double loss = t->last.loss / t->last.weight;
    rncl_run_state *state = &t->state;
    state->step++;
    state->batches_tracked += facts->batch_size / facts->micro_batch;
    state->sums.loss += t->last.loss;
    state->sums.weight += t->last.weight;
    state->sums.count += t->last.count;
    state->sums.top1 += t->last.top1;
    if (rncl_ranks_first(t->ranks))
        RNCL_TRY(write_step(t, loss, lr));
    if (!isfinite(loss)) {
        rncl_training_found_by_all(t);
        return RNCL_FAIL(RNCL_ERR_DIVERGED,
                         "training diverged: the loss of step %" PRId64
                         " is not finite at a learning rate of %g; lower --lr or add --warmup-steps "
                         "(%s keeps what was saved before)",
                         state->step, (double)lr, t->options->out);
    }
    RNCL_TRY(check_loss_scale(t));
    if (rncl_ranks_first(t->ranks))
        rncl_training_draw_step(t);
    report(t, false);
    return RNCL_OK;
}

bool rncl_training_wants_to_save(const rncl_training *t)
{
    return !t->options->checkpoint_every && rncl_save_clock_due(&t->save_clock, rncl_time_ns());
}

static bool save_due(const rncl_training *t)
{
    return rncl_ranks_count(t->ranks) > 1 ? t->agreed.save : rncl_training_wants_to_save(t);
}

/* Steps that are enqueued before the first of them is collected. Ranks wait for each other within a step
 * anyway; with one of them outstanding there is a state of a whole step whenever they do. */
static int64_t most_outstanding(const rncl_training *t)
{
    return rncl_ranks_count(t->ranks) > 1 ? 1 : 2;
}

static rncl_status enqueue_step(rncl_training *t)
{
    if (t->checks)
        RNCL_TRY(rncl_spot_checks_begin(t->checks, t->enqueued));
    return rncl_training_enqueue(t);
}

/* `by_time`: fewer steps when a checkpoint is due. */
static rncl_status take_steps(rncl_training *t, int64_t count, bool by_time)
{
    const int64_t boundary = t->state.step + MIN(count, t->steps - t->state.step);
    rncl_pace_go(&t->pace, rncl_time_ns());
    while (t->enqueued < boundary && !rncl_training_stopped(t) && !out_of_time(t) &&
           !(by_time && save_due(t))) {
        RNCL_TRY(enqueue_step(t));
        if (t->enqueued - t->state.step == most_outstanding(t))
            RNCL_TRY(collect_step(t));
    }
    while (t->state.step < t->enqueued)
        RNCL_TRY(collect_step(t));
    return RNCL_OK;
}

rncl_status rncl_training_step(rncl_training *t, int64_t count)
{
    return take_steps(t, count, false);
}

/* ---- evaluations ---- */

/* Only evaluations at periods change the schedule and the sums: one in between, at the end of the run or of
 * its time, must leave no trace in a run that is resumed after it. */
static void settle_period(rncl_training *t)
{
    rncl_plateau_update(&t->state.plateau, 100 - t->state.val_top1, t->schedule.patience);
    t->state.sums.loss = t->state.sums.weight = 0;
    t->state.sums.count = t->state.sums.top1 = 0;
}

static rncl_metrics_row describe(rncl_training *t)
{
    const rncl_run_state *state = &t->state;
    const double count = (double)state->sums.count;
    const double epoch = at_period(t, state->step)
                             ? (double)evaluations_after(t, state->step) * (double)t->options->eval_every
                             : epochs_after(t, state->step);
    const rncl_pace_sums interval = rncl_pace_interval(&t->pace);
    return (rncl_metrics_row){
        .epoch = epoch,
        .step = state->step,
        .images = pictures_after(t, state->step),
        .lr = lr_at(t, state->step - 1),
        .train_loss = state->sums.loss / state->sums.weight,
        .train_top1 = 100 * (double)state->sums.top1 / count,
        .val_loss = state->val_loss,
        .val_top1 = state->val_top1,
        .val_top5 = state->val_top5,
        .images_per_second = t->options->batch_size * rncl_pace_steps_per_second(&interval),
        .seconds = t->seconds_before + rncl_pace_seconds(&t->pace, rncl_time_ns()),
    };
}

static rncl_status write_evaluation(rncl_training *t)
{
    const rncl_metrics_row row = describe(t);
    RNCL_TRY(rncl_metrics_add(&t->metrics, &row));
    RNCL_TRY(rncl_event_log_evaluation(t->events, t, &row));
    rncl_training_draw(t);
    return RNCL_OK;
}

/* On the averages, where there are any. */
rncl_status rncl_training_measure(rncl_training *t, rncl_evaluation *result)
{
    const rncl_loader_options loader =
        rncl_training_loader(t, rncl_inputs_validation(&t->inputs, t->options));
    RNCL_TRY(rncl_training_align(t));
    if (t->options->ema > 0)
        RNCL_TRY(rncl_network_exchange_averages(t->network));
    rncl_measure_setup setup = {.loader = &loader, .stop = t->listener.stop, .user = t};
    if (rncl_ranks_count(t->ranks) > 1)
        setup.join = rncl_training_join_evaluation;
    rncl_status st = rncl_measure(t->network, &setup, result);
    if (t->options->ema > 0 && (!st || st == RNCL_ERR_INTERRUPTED)) {
        const rncl_status back = rncl_network_exchange_averages(t->network);
        st = back ? back : st;
    }
    return st;
}

/* Comparisons with what is not finite mean nothing: it is no result, and least of all the best. */
static rncl_status check_evaluation(const rncl_training *t, const rncl_evaluation *result)
{
    if (!result->not_finite)
        return RNCL_OK;
    rncl_training_found_by_all(t);
    return RNCL_FAIL(
        RNCL_ERR_DIVERGED,
        "training diverged: after step %" PRId64 " outputs for %" PRId64 " of %" PRId64
        " validation pictures are not finite; lower --lr or add --warmup-steps (%s keeps what was "
        "saved before)",
        t->state.step, result->not_finite, result->images, t->options->out);
}

rncl_status rncl_training_evaluate(rncl_training *t, rncl_evaluation *result)
{
    RNCL_TRY(rncl_training_measure(t, result));
    t->evaluation_diverged = result->not_finite > 0;
    RNCL_TRY(check_evaluation(t, result));
    rncl_run_state *state = &t->state;
    const bool again = state->evaluated_step == state->step;
    state->val_loss = result->loss;
    state->val_top1 = result->top1;
    state->val_top5 = result->top5;
    state->evaluated_step = state->step;
    if (again)
        return RNCL_OK;
    if (result->top1 > state->best_top1) {
        state->best_top1 = result->top1;
        t->improved = true;
    }
    if (state->step > 0 &&
        rncl_ranks_first(t->ranks)) /* before a step there is nothing to say about training */
        RNCL_TRY(write_evaluation(t));
    if (at_period(t, state->step))
        settle_period(t);
    report(t, true);
    return RNCL_OK;
}

/* ---- the run ---- */

/* One stretch of training, what is due at its end, and the files. */
static rncl_status advance(rncl_training *t)
{
    rncl_evaluation ignored;
    rncl_status st = RNCL_OK;
    RNCL_TRY(take_steps(t, rncl_training_steps_ahead(t), true));
    if (!rncl_training_stopped(t) && rncl_training_evaluation_due(t))
        st = rncl_training_evaluate(t, &ignored);
    if (st && st != RNCL_ERR_INTERRUPTED)
        return st;
    RNCL_TRY(rncl_training_save(t));
    if (!rncl_training_stopped(t) || rncl_training_finished(t))
        return RNCL_OK;
    rncl_training_found_by_all(t);
    return RNCL_FAIL(RNCL_ERR_INTERRUPTED,
                     "interrupted after step %" PRId64 ", and saved; continue with `rncl train --resume %s`",
                     t->state.step, t->options->out);
}

static void say_checks(const rncl_training *t)
{
    if (!t->checks)
        return;
    const rncl_spot_checks_facts facts = rncl_spot_checks_facts_of(t->checks);
    rncl_log_line(
        &t->context->log, RNCL_LOG_DETAIL,
        "spot checks: %lld of passes, %zu are a round; %.2f s; the largest error was %.3f of what is "
        "allowed",
        (long long)facts.checks, facts.passes, facts.seconds, facts.worst);
}

static void say_nothing_is_left(const rncl_training *t)
{
    if (t->state.step >= t->steps)
        rncl_log_line(&t->context->log, RNCL_LOG_NOTE,
                      "nothing left to do: all %" PRId64 " steps are done; --epochs or --steps give it more",
                      t->steps);
}

rncl_status rncl_training_run(rncl_training *t)
{
    say_nothing_is_left(t);
    while (!rncl_training_finished(t)) {
        rncl_training_found_by_none(t);
        rncl_status st = advance(t);
        if (st == RNCL_ERR_DIVERGED)
            st = rncl_training_explain(t);
        if (st == RNCL_ERR_DIVERGED)
            st = rncl_training_roll_back(t);
        if (st == RNCL_ERR_DEVICE_MEMORY)
            st = rncl_training_shrink(t);
        else if (st == RNCL_ERR_WRONG_RESULT)
            st = rncl_training_doubt(t);
        if (st)
            return rncl_training_save_after_failure(t, st);
    }
    say_checks(t);
    if (stopped_early(t))
        rncl_log_line(&t->context->log, RNCL_LOG_NOTE,
                      "ended after step %" PRId64 " of %" PRId64 ": no better one in the last %" PRId64
                      " evaluations",
                      t->state.step, t->steps, t->state.plateau.stale);
    return RNCL_OK;
}
