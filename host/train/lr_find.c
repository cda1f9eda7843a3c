/* Steps at rising rates, and what their losses suggest. */
#include "lr_find.h"

#include <math.h>
#include <stdlib.h>

#include "training.h"
#include "util.h"

enum { USUAL_STEPS = 100, FEWEST_STEPS = 10 };

static const double first_rate = 1e-5, last_rate = 10;
/* The search ends with losses that are so many times the least one. */
static const double hopeless = 4;
/* Neighbours of a step that it is averaged with, as a share of all steps. */
static const double reach = 0.03;

/* ---- what the losses suggest ---- */

static size_t neighbours(size_t count)
{
    return MAX((size_t)ceil(reach * (double)count), 1);
}

static void smooth(rncl_lr_find *found)
{
    const size_t around = neighbours(found->count);
    for (size_t i = 0; i < found->count; i++) {
        const size_t side = MIN(around, MIN(i, found->count - 1 - i)); /* the same on both sides */
        double sum = 0;
        for (size_t j = i - side; j <= i + side; j++)
            sum += found->losses[j];
        found->smoothed[i] = sum / (double)(2 * side + 1);
    }
}

/* Rates rise by the same factor from step to step, so that a difference is a slope over their logarithm. */
static double slope_at(const rncl_lr_find *found, size_t step)
{
    return found->smoothed[step + 1] - found->smoothed[step - 1];
}

/* From the mean of the first steps to the least smoothed loss. */
static double fall_of(const rncl_lr_find *found)
{
    const size_t first = MIN(2 * neighbours(found->count) + 1, found->count);
    double sum = 0;
    for (size_t i = 0; i < first; i++)
        sum += found->losses[i];
    return sum / (double)first - found->smoothed[found->least];
}

/* A mean of n independent losses differs from one of them by (n - 1)/n of their variance. The first and the
 * last steps have fewer neighbours and are left out. */
static double scatter_of(const rncl_lr_find *found)
{
    const size_t around = neighbours(found->count), width = 2 * around + 1;
    size_t steps = 0;
    double sum = 0;
    for (size_t i = around; i + around < found->count && i <= MAX(found->least, 2 * width); i++, steps++)
        sum += pow(found->losses[i] - found->smoothed[i], 2);
    return steps ? sqrt(sum / (double)steps * (double)width / (double)(width - 1)) : 0;
}

bool rncl_lr_find_is_noise(const rncl_lr_find *found)
{
    return found->fall < 2 * found->scatter;
}

void rncl_lr_find_judge(rncl_lr_find *found)
{
    found->suggestion = NAN;
    found->least = found->steepest = 0;
    smooth(found);
    for (size_t i = 1; i < found->count; i++)
        if (found->smoothed[i] < found->smoothed[found->least])
            found->least = i;
    for (size_t i = 1; i + 1 < found->count && i <= found->least; i++)
        if (!found->steepest || slope_at(found, i) < slope_at(found, found->steepest))
            found->steepest = i;
    if (found->steepest && slope_at(found, found->steepest) < 0)
        found->suggestion = found->rates[found->steepest];
    found->fall = fall_of(found);
    found->scatter = scatter_of(found);
}

/* ---- the steps ---- */

static rncl_status take_step(rncl_training *t, double rate, double *loss)
{
    rncl_batch_result result;
    RNCL_TRY(rncl_training_enqueue_at(t, (float)rate));
    RNCL_TRY(rncl_network_collect(t->network, &result));
    rncl_loader_release(t->loader);
    t->state.step++;
    t->last = result;
    t->last_lr = (float)rate;
    rncl_pace_step(&t->pace, rncl_time_ns(), rncl_loader_waited_ns(t->loader));
    *loss = result.loss / result.weight;
    return RNCL_OK;
}

static void report(const rncl_training *t)
{
    if (!t->listener.progress)
        return;
    const rncl_progress progress = rncl_training_progress(t, false);
    t->listener.progress(t->listener.user, &progress);
}

static rncl_status take_steps(rncl_training *t, size_t steps, rncl_lr_find *found)
{
    double least = INFINITY;
    rncl_pace_go(&t->pace, rncl_time_ns());
    while (found->count < steps) {
        double loss;
        const double rate =
            first_rate * pow(last_rate / first_rate, (double)found->count / (double)(steps - 1));
        if (rncl_training_stopped(t))
            return RNCL_FAIL(RNCL_ERR_INTERRUPTED, "interrupted; no file was written");
        RNCL_TRY(take_step(t, rate, &loss));
        found->end_rate = rate;
        if (!isfinite(loss))
            break;
        found->rates[found->count] = rate;
        found->losses[found->count++] = loss;
        least = fmin(least, loss);
        report(t);
        if (loss > hopeless * least)
            break;
    }
    return RNCL_OK;
}

/* Those of a config file, or of a run that is resumed, are of the training. */
static rncl_status steps_of(const rncl_options *options, size_t *steps)
{
    *steps = USUAL_STEPS;
    if (!options->steps || rncl_option_source_of(options, "steps") != RNCL_FROM_COMMAND_LINE)
        return RNCL_OK;
    if (options->steps < FEWEST_STEPS)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--steps %d: --lr-find needs at least %d; %d without the option",
                         options->steps, FEWEST_STEPS, USUAL_STEPS);
    *steps = (size_t)options->steps;
    return RNCL_OK;
}

rncl_status rncl_lr_find_run(rncl_context *context, rncl_options *options,
                             const rncl_train_listener *listener, rncl_lr_find *out)
{
    *out = (rncl_lr_find){0};
    size_t steps;
    RNCL_TRY(steps_of(options, &steps));
    options->spot_checks = 0;
    rncl_training t = {.context = context, .options = options, .listener = *listener, .trial = true};
    rncl_status st = rncl_training_open(&t, options);
    if (!st) {
        t.steps = t.state.step + (int64_t)steps;
        out->rates = calloc(steps, sizeof *out->rates);
        out->losses = calloc(steps, sizeof *out->losses);
        out->smoothed = calloc(steps, sizeof *out->smoothed);
        if (out->rates && out->losses && out->smoothed)
            st = take_steps(&t, steps, out);
        else
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu learning rates", steps);
    }
    rncl_training_close(&t);
    if (!st && out->count < FEWEST_STEPS / 2)
        st = RNCL_FAIL(RNCL_ERR_DIVERGED, "the loss was not finite after %zu steps, at a learning rate of %g",
                       out->count, out->end_rate);
    if (!st)
        rncl_lr_find_judge(out);
    return st;
}

void rncl_lr_find_fini(rncl_lr_find *found)
{
    free(found->rates);
    free(found->losses);
    free(found->smoothed);
    *found = (rncl_lr_find){0};
}
