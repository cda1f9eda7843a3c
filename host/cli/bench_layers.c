/* Labels of a profile are "NODE forward" and "NODE backward", and bare words for what belongs to no node. */
#include "bench_layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "profile.h"
#include "util.h"

static const struct {
    const char *label, *op;
} other_parts[] = {{"loss", "softmax"}, {"update", "sgd"}, {"pack", "conv"}};

static double label_ms(const rncl_profile *profile, const char *label)
{
    uint64_t time_ns = 0;
    for (size_t i = 0; i < profile->row_count; i++)
        if (!strcmp(profile->rows[i].label, label))
            time_ns += profile->rows[i].time_ns;
    return (double)time_ns / 1e6 / RNCL_PROFILED_STEPS;
}

/* The first layer's input is the image, whose gradient nobody wants. */
static bool has_input_gradient(const rncl_node *node)
{
    return node->input != 0;
}

static rncl_status conv_algorithm(rncl_context *context, const rncl_conv_shape *shape, rncl_conv_pass pass,
                                  const rncl_network_setup *setup, const char **name)
{
    rncl_conv_plan plan;
    const rncl_op_choice choice = {
        .algorithm = setup->algorithm, .tuned = setup->tuned, .exact_only = setup->exact_only};
    rncl_status st = rncl_conv_plan_create(context, shape, pass, &choice, &plan);
    *name = st ? "" : plan.algorithm->name;
    rncl_conv_plan_fini(&plan);
    return st;
}

/* What one row needs to know. */
typedef struct layer_source {
    rncl_context *context;
    const rncl_graph *graph;
    const rncl_network_facts *facts;
    const rncl_network_setup *setup;
} layer_source;

static rncl_status name_algorithms(const layer_source *source, const rncl_node *node, bool backward,
                                   rncl_layer_time *row)
{
    if (node->op.kind != RNCL_OP_conv)
        return RNCL_OK;
    rncl_conv_shape shape = node->op.conv;
    shape.n = source->facts->micro_batch;
    const char *first, *second = "";
    RNCL_TRY(conv_algorithm(source->context, &shape, backward ? RNCL_CONV_BACKWARD_FILTER : RNCL_CONV_FORWARD,
                            source->setup, &first));
    if (backward && has_input_gradient(node))
        RNCL_TRY(conv_algorithm(source->context, &shape, RNCL_CONV_BACKWARD_DATA, source->setup, &second));
    const bool differ = *second && strcmp(first, second) != 0;
    snprintf(row->algorithm, sizeof row->algorithm, "%s%s%s", first, differ ? "+" : "", differ ? second : "");
    return RNCL_OK;
}

static double tensor_floats(const layer_source *source, int tensor)
{
    return tensor < 0 ? 0
                      : (double)rncl_shape_count(source->graph->tensors[tensor]) * source->facts->batch_size;
}

/* Forward reads the input, the residual and the parameters and writes the output; backward reads the input,
 * the output's gradient and the parameters and writes the gradients of the input, the residual and the
 * parameters. */
static double least_mb(const layer_source *source, size_t index, bool backward)
{
    const rncl_node *node = &source->graph->nodes[index];
    const double parameters = (double)rncl_graph_node_cost(source->graph, index).parameters;
    const double input = tensor_floats(source, node->input), output = tensor_floats(source, node->output);
    const double residual = tensor_floats(source, node->residual);
    const double floats =
        backward ? input * (has_input_gradient(node) ? 2 : 1) + output + residual + 2 * parameters
                 : input + output + residual + parameters;
    return floats * sizeof(float) / 1e6;
}

static rncl_status fill_row(const layer_source *source, size_t index, bool backward, rncl_layer_time *row)
{
    const rncl_node *node = &source->graph->nodes[index];
    *row = (rncl_layer_time){.name = node->name,
                             .op = rncl_op_type_of(node->op.kind)->name,
                             .pass = backward ? "backward" : "forward"};
    char label[96];
    snprintf(label, sizeof label, "%s %s", row->name, row->pass);
    row->ms = label_ms(source->context->profile, label);
    const int passes = backward && has_input_gradient(node) ? 2 : 1;
    const double operations =
        2.0 * passes * (double)rncl_graph_node_cost(source->graph, index).macs * source->facts->batch_size;
    row->gflops = row->ms > 0 ? operations / row->ms / 1e6 : 0;
    row->work_gflop = operations / 1e9;
    row->least_mb = least_mb(source, index, backward);
    return name_algorithms(source, node, backward, row);
}

rncl_status rncl_layer_times(rncl_context *context, const rncl_graph *graph, const rncl_network_facts *facts,
                             const rncl_network_setup *setup, rncl_layer_time **out, size_t *count)
{
    const layer_source source = {context, graph, facts, setup};
    const size_t nodes = graph->node_count;
    *count = 0;
    *out = calloc(2 * nodes + COUNT(other_parts), sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "times of %zu layers", nodes);
    for (size_t i = 0; i < nodes; i++)
        RNCL_TRY(fill_row(&source, i, false, &(*out)[(*count)++]));
    for (size_t i = nodes; i-- > 0;)
        RNCL_TRY(fill_row(&source, i, true, &(*out)[(*count)++]));
    for (size_t i = 0; i < COUNT(other_parts); i++)
        (*out)[(*count)++] = (rncl_layer_time){.name = other_parts[i].label,
                                               .op = other_parts[i].op,
                                               .pass = "step",
                                               .ms = label_ms(context->profile, other_parts[i].label)};
    return RNCL_OK;
}
