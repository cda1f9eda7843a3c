/* Labels of a profile are "NODE forward" and "NODE backward", and bare words for what belongs to no node. */
#include "bench_layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"
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

/* What one row needs to know. */
typedef struct layer_source {
    rncl_context *context;
    const rncl_graph *graph;
    const rncl_network *network;
    int batch_size, micro_batch;
} layer_source;

/* The algorithms of the passes that a row covers. */
static void name_algorithms(const rncl_op *op, bool backward, rncl_layer_time *row)
{
    const char *first = NULL, *second = NULL;
    if (op->desc.kind != RNCL_OP_conv)
        return;
    for (int i = RNCL_OP_PASSES - 1; i >= 0; i--)
        if (rncl_op_wants(op, i) && backward == (i != RNCL_OP_FORWARD)) {
            second = first ? op->passes[i].row->name : NULL;
            first = first ? first : op->passes[i].row->name;
        }
    const bool differ = first && second && strcmp(first, second) != 0;
    snprintf(row->algorithm, sizeof row->algorithm, "%s%s%s", first ? first : "", differ ? "+" : "",
             differ ? second : "");
}

static bool goes_backward(const rncl_op *op)
{
    bool wanted = false;
    for (int i = RNCL_OP_BACKWARD; i < RNCL_OP_PASSES; i++)
        wanted = wanted || rncl_op_wants(op, i);
    return wanted;
}

/* Of one step of training, 1e6 bytes. */
static double moved_mb(const layer_source *source, const rncl_op *op, bool backward)
{
    double bytes = 0;
    if (!goes_backward(op))
        return 0;
    for (int i = 0; i < RNCL_OP_PASSES; i++)
        if (rncl_op_wants(op, i) && backward == (i != RNCL_OP_FORWARD) && op->passes[i].row->bytes)
            bytes += (double)op->passes[i].row->bytes(&op->passes[i]);
    return bytes * source->batch_size / source->micro_batch / 1e6;
}

/* Bytes of a tensor that the operation has in that slot; -1: none. */
static double tensor_bytes(const layer_source *source, const rncl_op *op, int tensor, unsigned slot)
{
    const rncl_pass *forward = &op->passes[RNCL_OP_FORWARD];
    const size_t value =
        rncl_pass_elements(forward) & slot ? rncl_pass_element_bytes(forward) : sizeof(float);
    if (tensor < 0)
        return 0;
    return (double)(rncl_shape_count(source->graph->tensors[tensor]) * value) * source->batch_size;
}

/* Forward reads the input, the residual and the parameters and writes the output; backward reads the input
 * where it needs that, the output's gradient and the parameters and writes the gradients of the input, the
 * residual and the parameters. */
static double least_mb(const layer_source *source, size_t index, bool backward)
{
    const rncl_node *node = &source->graph->nodes[index];
    const rncl_op *op = rncl_network_op(source->network, index);
    const double parameters = (double)rncl_graph_node_cost(source->graph, index).parameters * sizeof(float);
    const double input = tensor_bytes(source, op, node->input, RNCL_SLOT_BIT(x));
    const double output = tensor_bytes(source, op, node->output, RNCL_SLOT_BIT(y));
    const double residual = tensor_bytes(source, op, node->residual, RNCL_SLOT_BIT(residual));
    const int reads_x = op->needs.backward_reads_x;
    const double bytes =
        backward ? input * (reads_x + has_input_gradient(node)) + output + residual + 2 * parameters
                 : input + output + residual + parameters;
    return bytes / 1e6;
}

static void fill_row(const layer_source *source, size_t index, bool backward, rncl_layer_time *row)
{
    const rncl_node *node = &source->graph->nodes[index];
    const rncl_op *op = rncl_network_op(source->network, index);
    *row = (rncl_layer_time){.name = node->name,
                             .op = rncl_op_type_of(node->op.kind)->name,
                             .pass = backward ? "backward" : "forward"};
    char label[96];
    snprintf(label, sizeof label, "%s %s", row->name, row->pass);
    row->ms = label_ms(source->context->profile, label);
    const int passes = backward && has_input_gradient(node) ? 2 : 1;
    const double operations =
        2.0 * passes * (double)rncl_graph_node_cost(source->graph, index).macs * source->batch_size;
    row->gflops = row->ms > 0 ? operations / row->ms / 1e6 : 0;
    row->work_gflop = operations / 1e9;
    row->least_mb = least_mb(source, index, backward);
    row->moved_mb = moved_mb(source, op, backward);
    name_algorithms(op, backward, row);
}

rncl_status rncl_layer_times(rncl_context *context, const rncl_graph *graph, const rncl_network *network,
                             rncl_layer_time **out, size_t *count)
{
    const rncl_network_facts *facts = rncl_network_facts_of(network);
    const layer_source source = {context, graph, network, facts->batch_size, facts->micro_batch};
    const size_t nodes = graph->node_count;
    *count = 0;
    *out = calloc(2 * nodes + COUNT(other_parts), sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "times of %zu layers", nodes);
    for (size_t i = 0; i < nodes; i++)
        if (!rncl_network_op(network, i)->needs.coefficients_bytes) /* a convolution does it */
            fill_row(&source, i, false, &(*out)[(*count)++]);
    for (size_t i = nodes; i-- > 0;)
        if (goes_backward(rncl_network_op(network, i)))
            fill_row(&source, i, true, &(*out)[(*count)++]);
    for (size_t i = 0; i < COUNT(other_parts); i++) {
        const double ms = label_ms(context->profile, other_parts[i].label);
        if (ms > 0)
            (*out)[(*count)++] = (rncl_layer_time){
                .name = other_parts[i].label, .op = other_parts[i].op, .pass = "step", .ms = ms};
    }
    return RNCL_OK;
}
