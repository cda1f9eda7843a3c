/* Plots of runs. */
#include "plot_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "plot.h"
#include "run_curves.h"
#include "run_name.h"
#include "utf8.h"
#include "util.h"

static const struct {
    const char *label, *best; /* best: with places for value and epoch */
    int training, validation; /* columns */
} quantities[] = {
    [RNCL_PLOT_ERROR] = {"error (%)", ": best error %.2f %% at epoch %.4g", RNCL_RUN_TRAIN_ERROR,
                         RNCL_RUN_VAL_ERROR},
    [RNCL_PLOT_LOSS] = {"loss", ": least loss %.4f at epoch %.4g", RNCL_RUN_TRAIN_LOSS, RNCL_RUN_VAL_LOSS},
};

static const char *const axis_labels[] = {
    [RNCL_PLOT_STEPS] = "iterations", [RNCL_PLOT_EPOCHS] = "epochs", [RNCL_PLOT_TIME] = "minutes"};

/* Two lines for each run, training and validation. */
static rncl_plot_panel compare_runs(rncl_plot_series *series, const rncl_run_curves *runs,
                                    const char *const *labels, size_t count, rncl_plot_quantity quantity)
{
    for (size_t i = 0; i < count; i++) {
        const rncl_columns *metrics = &runs[i].metrics;
        series[2 * i] = (rncl_plot_series){.x = runs[i].x,
                                           .y = metrics->values[quantities[quantity].training],
                                           .count = metrics->rows,
                                           .colour = (int)i};
        series[2 * i + 1] = (rncl_plot_series){.x = runs[i].x,
                                               .y = metrics->values[quantities[quantity].validation],
                                               .count = metrics->rows,
                                               .colour = (int)i,
                                               .label = labels[i],
                                               .bold = true};
    }
    return (rncl_plot_panel){
        .series = series, .series_count = 2 * count, .title = "thin: training, bold: validation"};
}

/* A panel of one run, with the memory that it points to. */
typedef struct run_panel {
    rncl_plot_series series[3];
    char title[512];
    rncl_plot_panel panel;
} run_panel;

static void mark_best(run_panel *p, const rncl_run_curves *run, const char *name, rncl_plot_quantity quantity)
{
    const int column = quantities[quantity].validation;
    const size_t best = rncl_run_curves_best(run, column);
    char text[96] = "";
    if (best < run->metrics.rows) {
        rncl_number_format(text, sizeof text, quantities[quantity].best, run->metrics.values[column][best],
                           run->metrics.values[RNCL_RUN_EPOCH][best]);
        p->panel.mark_x = &run->x[best];
        p->panel.mark_y = &run->metrics.values[column][best];
    }
    snprintf(p->title, sizeof p->title, "%s%s", name, text);
    p->panel.title = p->title;
}

static void show_run(run_panel *p, const rncl_run_curves *run, const char *name, rncl_plot_quantity quantity)
{
    const rncl_columns *metrics = &run->metrics;
    rncl_plot_panel *panel = &p->panel;
    *panel = (rncl_plot_panel){.series = p->series, .drops = run->drops, .drop_count = run->drop_count};
    if (quantity == RNCL_PLOT_LOSS && run->steps.rows)
        p->series[panel->series_count++] = (rncl_plot_series){.x = run->steps.values[0],
                                                              .y = run->steps.values[1],
                                                              .count = run->steps.rows,
                                                              .colour = 1,
                                                              .label = "steps, smoothed",
                                                              .faint = true};
    if (!metrics->rows) {
        mark_best(p, run, name, quantity);
        return;
    }
    p->series[panel->series_count++] = (rncl_plot_series){.x = run->x,
                                                          .y = metrics->values[quantities[quantity].training],
                                                          .count = metrics->rows,
                                                          .colour = 1,
                                                          .label = "training"};
    p->series[panel->series_count++] =
        (rncl_plot_series){.x = run->x,
                           .y = metrics->values[quantities[quantity].validation],
                           .count = metrics->rows,
                           .label = "validation",
                           .bold = true};
    mark_best(p, run, name, quantity);
}

static void complete_axes(rncl_plot_panel *panel, rncl_plot_quantity quantity, rncl_plot_axis axis)
{
    panel->x_label = axis_labels[axis];
    panel->y_label = quantities[quantity].label;
    panel->may_be_logarithmic = quantity == RNCL_PLOT_LOSS;
}

/* Epochs above iterations, as soon as an evaluation has said how many an epoch has. */
static void show_epochs(rncl_plot_panel *panel, const rncl_run_curves *run)
{
    const size_t rows = run->metrics.rows;
    if (!rows || run->x != run->metrics.values[RNCL_RUN_STEP] || !(run->x[rows - 1] > 0))
        return;
    panel->second_label = axis_labels[RNCL_PLOT_EPOCHS];
    panel->second_share = run->metrics.values[RNCL_RUN_EPOCH][rows - 1] / run->x[rows - 1];
}

/* Steps have no errors, and of several runs only evaluations are drawn. */
static rncl_status check_evaluated(const char *folder, const rncl_run_curves *run, size_t runs,
                                   rncl_plot_quantity quantity)
{
    if (run->metrics.rows || (runs == 1 && quantity == RNCL_PLOT_LOSS))
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_DATA,
                     "%s: nothing has been evaluated yet; `rncl plot --y loss` shows the steps of this run",
                     folder);
}

/* One run is called by what it is, runs that are compared by their folders. */
static rncl_status name_run(const char *folder, size_t runs, char **label)
{
    if (runs == 1)
        return rncl_run_name(folder, label);
    *label = rncl_utf8_text(rncl_path_last(folder));
    return *label ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s", folder);
}

rncl_status rncl_plot_runs(const char *path, const char *const *folders, size_t count,
                           rncl_plot_quantity quantity, rncl_plot_axis axis)
{
    rncl_run_curves *runs = calloc(count, sizeof *runs);
    rncl_plot_series *series = calloc(2 * count, sizeof *series);
    char **labels = calloc(count, sizeof *labels); /* in UTF-8, which cairo expects */
    rncl_status st = RNCL_OK;
    if (!runs || !series || !labels)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", count);
    for (size_t i = 0; i < count && !st; i++) {
        st = name_run(folders[i], count, &labels[i]);
        if (!st)
            st = rncl_run_curves_read(folders[i], axis, &runs[i]);
        if (!st)
            st = check_evaluated(folders[i], &runs[i], count, quantity);
    }
    if (!st) {
        run_panel one;
        if (count == 1)
            show_run(&one, runs, labels[0], quantity);
        else
            one.panel = compare_runs(series, runs, (const char *const *)labels, count, quantity);
        complete_axes(&one.panel, quantity, axis);
        if (count == 1)
            show_epochs(&one.panel, runs);
        st = rncl_plot_write(path, &one.panel, 1);
    }
    for (size_t i = 0; runs && i < count; i++)
        rncl_run_curves_fini(&runs[i]);
    for (size_t i = 0; labels && i < count; i++)
        free(labels[i]);
    free(runs);
    free(series);
    free(labels);
    return st;
}

rncl_status rncl_plot_curves(const char *path, const char *folder)
{
    static const rncl_plot_quantity shown[] = {RNCL_PLOT_ERROR, RNCL_PLOT_LOSS};
    run_panel runs[COUNT(shown)];
    rncl_plot_panel panels[COUNT(shown)];
    rncl_run_curves run;
    char *name;
    RNCL_TRY(rncl_run_name(folder, &name));
    rncl_status st = rncl_run_curves_read(folder, RNCL_PLOT_STEPS, &run);
    if (!st) {
        size_t count = 0;
        for (size_t i = run.metrics.rows ? 0 : 1; i < COUNT(shown); i++) { /* steps have losses alone */
            show_run(&runs[i], &run, name, shown[i]);
            complete_axes(&runs[i].panel, shown[i], RNCL_PLOT_STEPS);
            show_epochs(&runs[i].panel, &run);
            panels[count++] = runs[i].panel;
        }
        st = rncl_plot_write(path, panels, count);
    }
    rncl_run_curves_fini(&run);
    free(name);
    return st;
}
