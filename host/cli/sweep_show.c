/* The results of a sweep as a table, as JSON and as a picture, the best run first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "console.h"
#include "number.h"
#include "plot.h"
#include "sweep_results.h"
#include "table.h"
#include "util.h"

/* A run of the grid that has ended. */
typedef struct place {
    size_t run;
    const rncl_sweep_result *result;
} place;

/* Those without an evaluation come last; equal ones stay in the order of the grid. */
static int by_best(const void *left, const void *right)
{
    const place *a = left, *b = right;
    const double x = isfinite(a->result->best_top1) ? a->result->best_top1 : -1,
                 y = isfinite(b->result->best_top1) ? b->result->best_top1 : -1;
    return x != y ? (x < y) - (x > y) : (a->run > b->run) - (a->run < b->run);
}

static size_t rank(const rncl_sweep_grid *grid, const rncl_sweep_results *results,
                   place places[RNCL_SWEEP_RUNS])
{
    size_t count = 0;
    for (size_t run = 0; run < grid->runs; run++) {
        char name[RNCL_SWEEP_NAME];
        rncl_sweep_name(grid, run, name);
        const rncl_sweep_result *result = rncl_sweep_results_find(results, name);
        if (result)
            places[count++] = (place){run, result};
    }
    qsort(places, count, sizeof *places, by_best);
    return count;
}

/* ---- table ---- */

/* Empty where there is none. */
static void format(double value, int places, const char *unit, char text[32])
{
    text[0] = '\0';
    if (isfinite(value))
        rncl_number_format(text, 32, "%.*f%s", places, value, unit);
}

static rncl_status add_row(rncl_table *table, const rncl_sweep_grid *grid, const place *p)
{
    char cells[RNCL_SWEEP_NAME + 64], best[32], last[32], loss[32];
    size_t length = 0;
    for (size_t i = 0; i < grid->axis_count && length < sizeof cells; i++)
        length += (size_t)snprintf(cells + length, sizeof cells - length, "%s\t",
                                   rncl_sweep_value(grid, p->run, i));
    format(p->result->best_top1, 2, " %", best);
    format(p->result->val_top1, 2, " %", last);
    format(p->result->val_loss, 4, "", loss);
    return rncl_table_add(table, "%s%s\t%s\t%s\t%lld\t%.0f s\t%s", cells, best, last, loss,
                          (long long)p->result->steps, p->result->seconds,
                          p->result->diverged ? "diverged" : "");
}

rncl_status rncl_sweep_results_print(const rncl_sweep_grid *grid, const rncl_sweep_results *results)
{
    place places[RNCL_SWEEP_RUNS];
    char headings[RNCL_SWEEP_NAME] = "";
    const char *const alignment = "rrrrrrrrrl";
    size_t length = 0;
    for (size_t i = 0; i < grid->axis_count; i++)
        length +=
            (size_t)snprintf(headings + length, sizeof headings - length, "%s\t", grid->axes[i].option->name);
    snprintf(headings + length, sizeof headings - length, "best top-1\ttop-1\tloss\tsteps\ttime\t");
    rncl_table *table;
    RNCL_TRY(rncl_table_create(headings, alignment + RNCL_SWEEP_AXES - grid->axis_count, &table));
    rncl_status st = RNCL_OK;
    const size_t count = rank(grid, results, places);
    for (size_t i = 0; i < count && !st; i++)
        st = add_row(table, grid, &places[i]);
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    return st;
}

/* ---- JSON ---- */

static json_t *describe(const rncl_sweep_grid *grid, const place *p)
{
    const rncl_sweep_result *r = p->result;
    json_t *options = json_object();
    for (size_t i = 0; i < grid->axis_count; i++)
        if (json_object_set_new(options, grid->axes[i].option->name,
                                rncl_json_text(rncl_sweep_value(grid, p->run, i))) != 0) {
            json_decref(options);
            return NULL;
        }
    return json_pack("{s:o, s:o, s:b, s:I, s:o, s:o, s:o, s:o}", "run", rncl_json_text(r->name), "options",
                     options, "diverged", r->diverged, "steps", (json_int_t)r->steps, "seconds",
                     rncl_json_number(r->seconds), "val_loss", rncl_json_number(r->val_loss), "val_top1",
                     rncl_json_number(r->val_top1), "best_top1", rncl_json_number(r->best_top1));
}

rncl_status rncl_sweep_results_print_json(const char *folder, const rncl_sweep_grid *grid,
                                          const rncl_sweep_results *results)
{
    place places[RNCL_SWEEP_RUNS];
    json_t *runs = json_array();
    const size_t count = rank(grid, results, places);
    for (size_t i = 0; i < count && runs; i++)
        if (json_array_append_new(runs, describe(grid, &places[i])) != 0) {
            json_decref(runs);
            runs = NULL;
        }
    return rncl_json_print(json_pack("{s:o, s:o}", "out", rncl_json_text(folder), "runs", runs));
}

/* ---- picture ---- */

rncl_status rncl_sweep_results_draw(const char *path, const rncl_sweep_grid *grid,
                                    const rncl_sweep_results *results)
{
    place places[RNCL_SWEEP_RUNS];
    rncl_bar bars[RNCL_SWEEP_RUNS];
    char labels[RNCL_SWEEP_RUNS][RNCL_SWEEP_NAME], texts[RNCL_SWEEP_RUNS][32], title[96];
    const size_t count = rank(grid, results, places);
    for (size_t i = 0; i < count; i++) {
        const double error = 100 - places[i].result->best_top1;
        rncl_sweep_label(grid, places[i].run, labels[i]);
        if (isfinite(error))
            rncl_number_format(texts[i], sizeof texts[i], "%.2f %%%s", error,
                               places[i].result->diverged ? ", diverged" : "");
        else
            snprintf(texts[i], sizeof texts[i], "diverged");
        bars[i] = (rncl_bar){.label = labels[i], .text = texts[i], .value = error, .before = NAN};
    }
    snprintf(title, sizeof title, "%zu of %zu runs, the best first", count, grid->runs);
    const rncl_bar_chart chart = {
        .title = title, .x_label = "best validation error (%)", .bars = bars, .count = count};
    return rncl_plot_bars(path, &chart);
}
