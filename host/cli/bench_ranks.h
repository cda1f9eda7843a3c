/* `rncl bench --ranks-model`: what the measured step would take on more ranks. */
#ifndef RNCL_CLI_BENCH_RANKS_H
#define RNCL_CLI_BENCH_RANKS_H

#include <jansson.h>

#include "bench_layers.h"
#include "scaling_model.h"

typedef struct rncl_ranks_model {
    rncl_scaling_step step;
    rncl_scaling_bucket *buckets;
    double gradient_mb, latency_us;
} rncl_ranks_model;

/* From the time of a training step and what part of it each layer takes. On failure the caller still calls
 * rncl_ranks_model_fini. */
rncl_status rncl_ranks_model_init(const rncl_graph *graph, const rncl_layer_time *layers, size_t count,
                                  double step_ms, double latency_us, rncl_ranks_model *out);
void rncl_ranks_model_fini(rncl_ranks_model *model);

/* A row for 1 to 1024 ranks, a column for 1 to 100 Gb/s: times of a step, and how much of each is not waiting
 * for others. */
rncl_status rncl_ranks_model_print(const rncl_ranks_model *model);

/* [{"ranks", "gbit_s", "step_ms", "exposed_ms"}, …]; NULL: no memory. */
json_t *rncl_ranks_model_describe(const rncl_ranks_model *model);

#endif
