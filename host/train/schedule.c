/* The table of schedules. */
#include "schedule.h"

#include <math.h>
#include <stdlib.h>

#include "number.h"
#include "util.h"

static rncl_status bad_marks(const char *text)
{
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--lr-steps %.100s: not rising shares of the run, or steps, separated by commas "
                     "(such as 0.5,0.75 or 32000,48000; at most %d)",
                     text, RNCL_SCHEDULE_MARKS);
}

static rncl_status parse_marks(const char *text, rncl_schedule *out)
{
    const char *next = text;
    double last = 0;
    for (;;) {
        char *rest;
        const double number = rncl_number_parse(next, &rest),
                     mark = number < 1 ? number * (double)out->steps : number;
        if (rest == next || !(mark > last && isfinite(mark)) || out->mark_count == COUNT(out->marks))
            return bad_marks(text);
        out->marks[out->mark_count++] = last = mark;
        if (!*rest)
            return RNCL_OK;
        if (*rest != ',')
            return bad_marks(text);
        next = rest + 1;
    }
}

rncl_status rncl_schedule_init(const rncl_options *options, int64_t steps, rncl_schedule *out)
{
    *out = (rncl_schedule){.kind = options->schedule,
                           .lr = options->lr,
                           .steps = steps,
                           .warmup_steps = options->warmup_steps,
                           .warmup_lr = options->warmup_lr,
                           .patience = options->patience};
    return parse_marks(options->lr_steps, out);
}

/* What a schedule makes of the rate, warm-up aside. */
typedef double factor(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step);

static double plateau_factor(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step)
{
    (void)schedule;
    (void)step;
    return pow(10, -(double)plateau->drops);
}

static double step_factor(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step)
{
    (void)plateau;
    double drops = 0;
    for (size_t i = 0; i < schedule->mark_count; i++)
        drops += (double)step >= schedule->marks[i];
    return pow(10, -drops);
}

/* From the end of the warm-up; Loshchilov and Hutter 2017, equation 5, without restarts. */
static double cosine_factor(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step)
{
    (void)plateau;
    const double pi = 3.141592653589793;
    const int64_t length = schedule->steps - schedule->warmup_steps, done = step - schedule->warmup_steps;
    if (done <= 0 || length <= 0)
        return 1;
    return 0.5 * (1 + cos(pi * (double)MIN(done, length) / (double)length));
}

static double constant_factor(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step)
{
    (void)schedule;
    (void)plateau;
    (void)step;
    return 1;
}

static factor *const factors[] = {
    [RNCL_SCHEDULE_PLATEAU] = plateau_factor,
    [RNCL_SCHEDULE_STEP] = step_factor,
    [RNCL_SCHEDULE_COSINE] = cosine_factor,
    [RNCL_SCHEDULE_CONSTANT] = constant_factor,
};

float rncl_schedule_lr(const rncl_schedule *schedule, const rncl_plateau *plateau, int64_t step)
{
    const int64_t warmup = schedule->warmup_steps;
    if (step < warmup && schedule->warmup_lr > 0)
        return schedule->warmup_lr;
    const double risen = step < warmup ? (double)(step + 1) / (double)warmup : 1;
    return (float)((double)schedule->lr * risen * factors[schedule->kind](schedule, plateau, step));
}

float rncl_average_share(float decay, int64_t step)
{
    if (!(decay > 0))
        return 0;
    return (float)((1 - (double)decay) / (1 - pow((double)decay, (double)step)));
}

rncl_plateau rncl_plateau_start(void)
{
    return (rncl_plateau){.best_error = INFINITY};
}

void rncl_plateau_update(rncl_plateau *plateau, double error, int patience)
{
    if (error < plateau->best_error) {
        plateau->best_error = error;
        plateau->waited = plateau->stale = 0;
        return;
    }
    plateau->stale++;
    if (++plateau->waited >= patience) {
        plateau->waited = 0;
        plateau->drops++;
    }
}
