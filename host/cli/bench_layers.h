/* The rows of a profile, gathered by layer and pass. */
#ifndef RNCL_CLI_BENCH_LAYERS_H
#define RNCL_CLI_BENCH_LAYERS_H

#include "context.h"
#include "graph.h"
#include "network.h"

enum { RNCL_PROFILED_STEPS = 3 };

typedef struct rncl_layer_time {
    const char *name; /* the node's, or the part of a step that belongs to no node; the graph's or static */
    const char *op;
    const char *pass;   /* "forward", "backward", "step" */
    char algorithm[64]; /* of convolutions: of the passes that the row covers; else "" */
    double ms;          /* one step */
    double gflops;      /* a second, as the direct method counts; 0 for what is not counted in operations */
    double work_gflop;  /* those of the row in one step */
    double least_mb;    /* 1e6 bytes that must be read or written at least, each tensor once a pass; 0: not
                           counted */
    double moved_mb;    /* those that the launches of batch normalisation and pooling read or write; else 0 */
} rncl_layer_time;

/* Reads context->profile, which has been collected after RNCL_PROFILED_STEPS batches of the network; an
 * evaluation has no backward rows, and none for a batch normalisation that a convolution does. The caller
 * frees *out. */
rncl_status rncl_layer_times(rncl_context *context, const rncl_graph *graph, const rncl_network *network,
                             rncl_layer_time **out, size_t *count);

#endif
