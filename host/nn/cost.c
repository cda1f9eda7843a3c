/* What a network costs. */
#include "graph.h"

static uint64_t conv_macs(const rncl_op_desc *op)
{
    const rncl_conv_shape *s = &op->conv;
    return (uint64_t)s->p * (uint64_t)s->q * (uint64_t)s->k * (uint64_t)s->r * (uint64_t)s->s *
           (uint64_t)s->c;
}

static uint64_t linear_macs(const rncl_op_desc *op)
{
    return (uint64_t)op->linear.c * (uint64_t)op->linear.k;
}

/* Multiply-adds per image; NULL: none that the paper counts. */
static uint64_t (*const macs_of[RNCL_OP_COUNT])(const rncl_op_desc *op) = {
    [RNCL_OP_conv] = conv_macs,
    [RNCL_OP_linear] = linear_macs,
};

static size_t param_count(const rncl_graph *graph, int param)
{
    return param < 0 ? 0 : graph->params[param].count;
}

rncl_graph_cost rncl_graph_node_cost(const rncl_graph *graph, size_t node)
{
    const rncl_node *n = &graph->nodes[node];
    return (rncl_graph_cost){
        .parameters = param_count(graph, n->weight) + param_count(graph, n->bias),
        .macs = macs_of[n->op.kind] ? macs_of[n->op.kind](&n->op) : 0,
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
