/* Reads the curves of a run and puts its steps on the axis of its evaluations. */
#include "run_curves.h"

#include <math.h>
#include <stdlib.h>

#include "file.h"
#include "smooth.h"
#include "util.h"

static const char *const metric_names[] = {"epoch",      "step",     "seconds", "train_loss",
                                           "train_top1", "val_loss", "val_top1"};
static const char *const step_names[] = {"step", "loss", "lr"};
enum { STEP, LOSS, LR };

static rncl_status read_file(const char *folder, const char *name, const char *const *columns, size_t count,
                             rncl_columns *out)
{
    char *path = rncl_path_join(folder, name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s/%s", folder, name);
    const rncl_status st = rncl_columns_read(path, columns, count, out);
    free(path);
    return st;
}

/* Between evaluations x grows evenly with the steps; before the first one it grows from 0. */
static double x_of_step(const rncl_run_curves *curves, double step)
{
    const double *steps = curves->metrics.values[RNCL_RUN_STEP];
    double step_before = 0, x_before = 0;
    if (!curves->metrics.rows)
        return step;
    for (size_t i = 0; i < curves->metrics.rows; i++) {
        if (steps[i] > step_before && (step <= steps[i] || i + 1 == curves->metrics.rows))
            return x_before + (step - step_before) / (steps[i] - step_before) * (curves->x[i] - x_before);
        step_before = steps[i];
        x_before = curves->x[i];
    }
    return x_before;
}

/* Where the learning rate was constant and is at most half at the next step. */
static bool drops_at(const double *lr, size_t step)
{
    return step >= 2 && lr[step - 1] == lr[step - 2] && lr[step] <= 0.5 * lr[step - 1];
}

static rncl_status place_steps(rncl_run_curves *curves)
{
    rncl_columns *steps = &curves->steps;
    if (!steps->rows)
        return RNCL_OK;
    curves->drops = calloc(steps->rows, sizeof *curves->drops);
    if (!curves->drops)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu steps", steps->rows);
    for (size_t i = 0; i < steps->rows; i++) {
        steps->values[STEP][i] = x_of_step(curves, steps->values[STEP][i]);
        if (drops_at(steps->values[LR], i))
            curves->drops[curves->drop_count++] = steps->values[STEP][i];
    }
    rncl_smooth(steps->values[LOSS], steps->rows, 100);
    return RNCL_OK;
}

static void to_errors(double *hits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hits[i] = 100 - hits[i];
}

rncl_status rncl_run_curves_read(const char *folder, rncl_plot_axis axis, rncl_run_curves *out)
{
    static const int columns[] = {[RNCL_PLOT_STEPS] = RNCL_RUN_STEP,
                                  [RNCL_PLOT_EPOCHS] = RNCL_RUN_EPOCH,
                                  [RNCL_PLOT_TIME] = RNCL_RUN_SECONDS};
    *out = (rncl_run_curves){0};
    RNCL_TRY(read_file(folder, "metrics.csv", metric_names, COUNT(metric_names), &out->metrics));
    to_errors(out->metrics.values[RNCL_RUN_TRAIN_ERROR], out->metrics.rows);
    to_errors(out->metrics.values[RNCL_RUN_VAL_ERROR], out->metrics.rows);
    for (size_t i = 0; i < out->metrics.rows; i++)
        out->metrics.values[RNCL_RUN_SECONDS][i] /= 60;
    out->x = out->metrics.values[columns[axis]];
    char *path = rncl_path_join(folder, "steps.csv");
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s/steps.csv", folder);
    const bool has_steps = rncl_file_may_exist(path);
    free(path);
    if (has_steps)
        RNCL_TRY(read_file(folder, "steps.csv", step_names, COUNT(step_names), &out->steps));
    if (!out->metrics.rows && (!out->steps.rows || axis != RNCL_PLOT_STEPS))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: nothing has been evaluated yet", folder);
    return place_steps(out);
}

void rncl_run_curves_fini(rncl_run_curves *curves)
{
    rncl_columns_fini(&curves->metrics);
    rncl_columns_fini(&curves->steps);
    free(curves->drops);
    *curves = (rncl_run_curves){0};
}

size_t rncl_run_curves_best(const rncl_run_curves *curves, int column)
{
    const double *values = curves->metrics.values[column];
    size_t best = curves->metrics.rows;
    for (size_t i = 0; i < curves->metrics.rows; i++)
        if (isfinite(values[i]) && (best == curves->metrics.rows || values[i] < values[best]))
            best = i;
    return best;
}
