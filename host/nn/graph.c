/* The graph's life. */
#include "graph.h"

#include <stdlib.h>

#include "arch.h"
#include "builder.h"
#include "resnet.h"
#include "vgg.h"

rncl_status rncl_graph_build(const rncl_network_options *options, rncl_graph **out)
{
    *out = NULL;
    rncl_network_options complete;
    rncl_layout layout;
    RNCL_TRY(rncl_arch_resolve(options, &complete, &layout));
    rncl_graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a graph");
    graph->options = complete;
    rncl_builder builder = {.graph = graph};
    (complete.arch == RNCL_ARCH_VGG ? rncl_vgg_build : rncl_resnet_build)(&builder, &layout);
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
