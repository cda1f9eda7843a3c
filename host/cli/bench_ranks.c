/* The model of scaling, fed from a profile. */
#include "bench_ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "gradient_buckets.h"
#include "table.h"
#include "util.h"

enum { MOST_RANKS = 1024 };

static const int speeds[] = {1, 10, 25, 100}; /* Gb/s */

/* Of the 1,538 bytes that a frame takes of Ethernet, TCP with time stamps carries 1,448. */
static const double payload = 1448.0 / 1538;

/* Time that rows take: those of a pass; with a name, only those of that node. */
static double sum_ms(const rncl_layer_time *layers, size_t count, const char *pass, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(layers[i].pass, pass) && (!name || !strcmp(layers[i].name, name)))
            sum += layers[i].ms;
    return sum;
}

/* Profiled steps take longer than others, and device time is not all of a step's: rows count as parts of it.
 */
static void fill(rncl_ranks_model *m, const rncl_graph *graph, const rncl_gradient_buckets *cut,
                 const rncl_layer_time *layers, size_t count, double step_ms)
{
    const double loss = sum_ms(layers, count, "step", "loss");
    const double update = sum_ms(layers, count, "step", NULL) - loss;
    const double backward = sum_ms(layers, count, "backward", NULL);
    const double forward = sum_ms(layers, count, "forward", NULL) + loss;
    const double scale = step_ms / (forward + backward + update);
    double done = forward;
    size_t bucket = 0;
    for (size_t node = graph->node_count; node-- > 0;) {
        done += sum_ms(layers, count, "backward", graph->nodes[node].name);
        for (; bucket < cut->count && cut->buckets[bucket].node == node; bucket++) {
            const double bytes = (double)cut->buckets[bucket].range.count * sizeof(float);
            m->buckets[bucket] = (rncl_scaling_bucket){.bytes = bytes, .ready_ms = scale * done};
            m->gradient_mb += bytes / 1e6;
        }
    }
    m->step = (rncl_scaling_step){.buckets = m->buckets,
                                  .count = bucket,
                                  .backward_ms = scale * done, /* no bucket is ready later, by no digit */
                                  .update_ms = scale * update};
}

rncl_status rncl_ranks_model_init(const rncl_graph *graph, const rncl_layer_time *layers, size_t count,
                                  double step_ms, double latency_us, rncl_ranks_model *out)
{
    rncl_gradient_buckets cut = {0};
    *out = (rncl_ranks_model){.latency_us = latency_us};
    rncl_status st = rncl_gradient_buckets_cut(graph, RNCL_GRADIENT_BUCKET_FLOATS, &cut);
    if (!st && !(out->buckets = calloc(cut.count, sizeof *out->buckets)))
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu buckets", cut.count);
    if (!st)
        fill(out, graph, &cut, layers, count, step_ms);
    rncl_gradient_buckets_fini(&cut);
    return st;
}

void rncl_ranks_model_fini(rncl_ranks_model *model)
{
    free(model->buckets);
}

static rncl_scaling predict(const rncl_ranks_model *model, int ranks, int speed)
{
    const rncl_scaling_link link = {.gbit_s = speed * payload, .latency_us = model->latency_us};
    return rncl_scaling_predict(&model->step, ranks, link);
}

rncl_status rncl_ranks_model_print(const rncl_ranks_model *model)
{
    rncl_table *table;
    RNCL_TRY(rncl_table_create("ranks\t1 Gb/s\t\t10 Gb/s\t\t25 Gb/s\t\t100 Gb/s\t", "rrrrrrrrr", &table));
    rncl_status st = RNCL_OK;
    const double alone_ms = model->step.backward_ms + model->step.update_ms;
    for (int ranks = 1; ranks <= MOST_RANKS && !st; ranks *= 2) {
        char cells[128];
        size_t length = 0;
        for (size_t i = 0; i < COUNT(speeds); i++) {
            const double step_ms = predict(model, ranks, speeds[i]).step_ms;
            length += (size_t)snprintf(cells + length, sizeof cells - length, "\t%.*f\t%.0f %%",
                                       step_ms < 1000 ? 1 : 0, step_ms, 100 * alone_ms / step_ms);
        }
        st = rncl_table_add(table, "%d%s", ranks, cells);
    }
    if (!st) {
        printf("\nranks            ms a step, as many pictures on each; the part that is not waiting\n"
               "gradients        %.1f MB in %zu buckets, over a link with %g us latency\n\n",
               model->gradient_mb, model->step.count, model->latency_us);
        rncl_table_print(table, stdout);
    }
    rncl_table_destroy(table);
    return st;
}

json_t *rncl_ranks_model_describe(const rncl_ranks_model *model)
{
    json_t *rows = json_array();
    for (int ranks = 1; ranks <= MOST_RANKS; ranks *= 2)
        for (size_t i = 0; i < COUNT(speeds); i++) {
            const rncl_scaling scaling = predict(model, ranks, speeds[i]);
            json_t *row = json_pack("{s:i, s:i, s:o, s:o}", "ranks", ranks, "gbit_s", speeds[i], "step_ms",
                                    rncl_json_number(scaling.step_ms), "exposed_ms",
                                    rncl_json_number(scaling.exposed_ms));
            if (json_array_append_new(rows, row) != 0) {
                json_decref(rows);
                return NULL;
            }
        }
    return rows;
}
