/* The graph's life. */
#include "graph.h"

#include <stdlib.h>

#include "arch.h"
#include "util.h"

rncl_status rncl_graph_build(const rncl_network_options *options, rncl_graph **out)
{
    *out = NULL;
    rncl_network_options complete;
    RNCL_TRY(rncl_arch_complete(options, &complete));
    rncl_graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a graph");
    graph->options = complete;
    rncl_builder builder = {.graph = graph};
    rncl_arch_family(complete.arch)->build(&builder);
    if (builder.status) {
        rncl_graph_destroy(graph);
        return builder.status;
    }
    *out = graph;
    return RNCL_OK;
}

void rncl_graph_align(rncl_graph *graph, size_t alignment_bytes)
{
    const size_t unit = MAX(alignment_bytes / sizeof(float), (size_t)RNCL_PARAM_ALIGNMENT);
    graph->param_floats = graph->state_floats = 0;
    for (size_t i = 0; i < graph->param_count; i++) {
        graph->params[i].offset = graph->param_floats;
        graph->param_floats += rncl_round_up(graph->params[i].count, unit);
    }
    for (size_t i = 0; i < graph->running_count; i++) {
        rncl_running *running = &graph->running[i];
        const size_t padded = rncl_round_up((size_t)running->channels, unit);
        running->mean_offset = graph->state_floats;
        running->variance_offset = graph->state_floats + padded;
        graph->state_floats += 2 * padded;
    }
}

void rncl_graph_destroy(rncl_graph *graph)
{
    if (!graph)
        return;
    free(graph->nodes);
    free(graph->tensors);
    free(graph->params);
    free(graph->running);
    free(graph);
}

int rncl_graph_readers(const rncl_graph *graph, int tensor)
{
    int readers = 0;
    for (size_t i = 0; i < graph->node_count; i++)
        readers += (graph->nodes[i].input == tensor) + (graph->nodes[i].residual == tensor);
    return readers;
}
