/* What a network costs. */
#include "graph.h"

static size_t param_count(const rncl_graph *graph, int param)
{
    return param < 0 ? 0 : graph->params[param].count;
}

rncl_graph_cost rncl_graph_node_cost(const rncl_graph *graph, size_t node)
{
    const rncl_node *n = &graph->nodes[node];
    const rncl_op_type *type = rncl_op_type_of(n->op.kind);
    return (rncl_graph_cost){
        .parameters = param_count(graph, n->weight) + param_count(graph, n->bias),
        .macs = type->macs ? type->macs(&n->op) : 0,
        .activations = rncl_shape_count(graph->tensors[n->output]),
    };
}

rncl_graph_cost rncl_graph_total(const rncl_graph *graph)
{
    rncl_graph_cost total = {0};
    for (size_t i = 0; i < graph->node_count; i++) {
        rncl_graph_cost cost = rncl_graph_node_cost(graph, i);
        total.parameters += cost.parameters;
        total.macs += cost.macs;
        total.activations += cost.activations;
    }
    return total;
}
