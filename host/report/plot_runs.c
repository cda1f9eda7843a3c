/* Plots of metrics.csv files. */
#include "plot_runs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"
#include "plot.h"
#include "utf8.h"
#include "util.h"

/* The columns that are drawn. */
enum { STEP, TRAIN_LOSS, TRAIN_TOP1, VAL_LOSS, VAL_TOP1, COLUMNS };

static const char *const column_names[COLUMNS] = {"step", "train_loss", "train_top1", "val_loss", "val_top1"};

typedef struct run_metrics {
    double *columns[COLUMNS];
    size_t rows;
} run_metrics;

static void metrics_fini(run_metrics *metrics)
{
    for (int i = 0; i < COLUMNS; i++)
        free(metrics->columns[i]);
}

/* Index of each column in the header; false if one is missing. */
static bool read_header(char *line, int places[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        places[i] = -1;
    int place = 0;
    for (char *rest = line, *name; (name = strsep(&rest, ",\n")) && *name; place++)
        for (int i = 0; i < COLUMNS; i++)
            if (!strcmp(name, column_names[i]))
                places[i] = place;
    for (int i = 0; i < COLUMNS; i++)
        if (places[i] < 0)
            return false;
    return true;
}

/* An empty field is NaN. False if a column is missing or is no number. */
static bool read_row(char *line, const int places[COLUMNS], double values[COLUMNS])
{
    int found = 0, place = 0;
    for (char *rest = line, *field; (field = strsep(&rest, ",\n")); place++)
        for (int i = 0; i < COLUMNS; i++) {
            char *end;
            if (places[i] != place)
                continue;
            values[i] = *field ? rncl_number_parse(field, &end) : NAN;
            if (*field && *end)
                return false;
            found++;
        }
    return found == COLUMNS;
}

static bool add_row(run_metrics *metrics, const double values[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        double *grown = realloc(metrics->columns[i], (metrics->rows + 1) * sizeof *grown);
        if (!grown)
            return false;
        metrics->columns[i] = grown;
        grown[metrics->rows] = values[i];
    }
    metrics->rows++;
    return true;
}

static rncl_status read_stream(FILE *stream, const char *path, run_metrics *metrics)
{
    char line[1024];
    int places[COLUMNS];
    if (!fgets(line, sizeof line, stream) || !read_header(line, places))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s is not the metrics.csv of a run", path);
    while (fgets(line, sizeof line, stream)) {
        double values[COLUMNS];
        if (!read_row(line, places, values))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s: row %zu is damaged", path, metrics->rows + 1);
        if (!add_row(metrics, values))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s", path);
    }
    return metrics->rows ? RNCL_OK : RNCL_FAIL(RNCL_ERR_DATA, "%s: nothing has been evaluated yet", path);
}

static rncl_status read_metrics(const char *folder, run_metrics *metrics)
{
    char *path = rncl_path_join(folder, "metrics.csv");
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s", folder);
    FILE *stream = fopen(path, "r");
    rncl_status st = RNCL_OK;
    if (stream) {
        st = read_stream(stream, path, metrics);
        fclose(stream);
    } else {
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: %s; a run folder is what `rncl train --out` makes", path,
                       strerror(errno));
    }
    free(path);
    return st;
}

static void to_errors(run_metrics *metrics)
{
    for (size_t i = 0; i < metrics->rows; i++) {
        metrics->columns[TRAIN_TOP1][i] = 100 - metrics->columns[TRAIN_TOP1][i];
        metrics->columns[VAL_TOP1][i] = 100 - metrics->columns[VAL_TOP1][i];
    }
}

static const struct {
    const char *label;
    int training, validation; /* columns */
} quantities[] = {
    [RNCL_PLOT_ERROR] = {"error (%)", TRAIN_TOP1, VAL_TOP1},
    [RNCL_PLOT_LOSS] = {"loss", TRAIN_LOSS, VAL_LOSS},
};

/* Two lines a run, training and validation. Errors are drawn up to where all but the first evaluations
 * are. */
static rncl_plot_panel make_panel(rncl_plot_series *series, const run_metrics *metrics,
                                  const char *const *labels, size_t count, rncl_plot_quantity quantity)
{
    const int training = quantities[quantity].training, validation = quantities[quantity].validation;
    for (size_t i = 0; i < count; i++) {
        const run_metrics *run = &metrics[i];
        series[2 * i] = (rncl_plot_series){
            .x = run->columns[STEP], .y = run->columns[training], .count = run->rows, .colour = (int)i};
        series[2 * i + 1] = (rncl_plot_series){.x = run->columns[STEP],
                                               .y = run->columns[validation],
                                               .count = run->rows,
                                               .colour = (int)i,
                                               .label = labels[i],
                                               .bold = true};
    }
    return (rncl_plot_panel){.x_label = "iterations",
                             .y_label = quantities[quantity].label,
                             .series = series,
                             .series_count = 2 * count};
}

static const char *name_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    return slash && slash[1] ? slash + 1 : folder;
}

rncl_status rncl_plot_runs(const char *path, const char *const *folders, size_t count,
                           rncl_plot_quantity quantity)
{
    run_metrics *metrics = calloc(count, sizeof *metrics);
    rncl_plot_series *series = calloc(2 * count, sizeof *series);
    char **labels = calloc(count, sizeof *labels); /* in UTF-8, which cairo expects */
    rncl_status st = RNCL_OK;
    if (!metrics || !series || !labels)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", count);
    for (size_t i = 0; i < count && !st; i++) {
        labels[i] = rncl_utf8_text(name_of(folders[i]));
        if (labels[i])
            st = read_metrics(folders[i], &metrics[i]);
        else
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", count);
        to_errors(&metrics[i]);
    }
    if (!st) {
        const rncl_plot_panel panel =
            make_panel(series, metrics, (const char *const *)labels, count, quantity);
        st = rncl_plot_write(path, &panel, 1);
    }
    for (size_t i = 0; metrics && i < count; i++)
        metrics_fini(&metrics[i]);
    for (size_t i = 0; labels && i < count; i++)
        free(labels[i]);
    free(metrics);
    free(series);
    free(labels);
    return st;
}

rncl_status rncl_plot_curves(const char *path, const char *folder)
{
    run_metrics metrics = {0};
    rncl_plot_series error[2], loss[2];
    const char *const label = "validation (thin: training)";
    rncl_status st = read_metrics(folder, &metrics);
    to_errors(&metrics);
    if (!st) {
        const rncl_plot_panel panels[] = {make_panel(error, &metrics, &label, 1, RNCL_PLOT_ERROR),
                                          make_panel(loss, &metrics, &label, 1, RNCL_PLOT_LOSS)};
        st = rncl_plot_write(path, panels, COUNT(panels));
    }
    metrics_fini(&metrics);
    return st;
}
