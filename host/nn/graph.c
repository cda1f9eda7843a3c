/* The graph's life. */
#include "graph.h"

#include <stdlib.h>

#include "arch.h"

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
