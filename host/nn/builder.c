/* Appending to graphs. */
#include "builder.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util.h"

void rncl_builder_name(char name[64], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(name, 64, format, arguments);
    va_end(arguments);
    assert(length >= 0 && length < 64);
    (void)length;
}

/* Room for one more item behind `count` of them: the new array, or NULL. An array grows to the next power of
 * two when it is full, which its count alone tells. */
static void *grow(rncl_builder *builder, void *items, size_t count, size_t item_bytes)
{
    if (builder->status)
        return NULL;
    if (count & (count - 1))
        return items;
    void *grown = realloc(items, (count ? 2 * count : 1) * item_bytes);
    if (!grown)
        builder->status = RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for a graph of %zu items", count);
    return grown;
}

int rncl_builder_tensor(rncl_builder *builder, rncl_shape shape)
{
    rncl_graph *graph = builder->graph;
    rncl_shape *tensors = grow(builder, graph->tensors, graph->tensor_count, sizeof *tensors);
    if (!tensors)
        return -1;
    graph->tensors = tensors;
    tensors[graph->tensor_count] = shape;
    return (int)graph->tensor_count++;
}

/* Appends a parameter; name, kind, rank and dims are the caller's, the rest follows. */
static int add_param(rncl_builder *builder, const rncl_param *param)
{
    rncl_graph *graph = builder->graph;
    rncl_param *params = grow(builder, graph->params, graph->param_count, sizeof *params);
    if (!params)
        return -1;
    graph->params = params;
    rncl_param *added = &params[graph->param_count];
    *added = *param;
    added->count = 1;
    for (int i = 0; i < added->rank; i++)
        added->count *= (size_t)added->dims[i];
    added->offset = graph->param_floats;
    graph->param_floats += rncl_round_up(added->count, RNCL_PARAM_ALIGNMENT);
    return (int)graph->param_count++;
}

static int add_vector(rncl_builder *builder, const char *layer, const char *role, int count)
{
    rncl_param param = {.kind = RNCL_PARAM_VECTOR, .rank = 1, .dims = {count}};
    rncl_builder_name(param.name, "%s.%s", layer, role);
    return add_param(builder, &param);
}

static int add_running(rncl_builder *builder, const char *name, int channels)
{
    rncl_graph *graph = builder->graph;
    rncl_running *running = grow(builder, graph->running, graph->running_count, sizeof *running);
    if (!running)
        return -1;
    graph->running = running;
    rncl_running *added = &running[graph->running_count];
    size_t padded = rncl_round_up((size_t)channels, RNCL_PARAM_ALIGNMENT);
    *added = (rncl_running){.channels = channels,
                            .mean_offset = graph->state_floats,
                            .variance_offset = graph->state_floats + padded};
    rncl_builder_name(added->name, "%s", name);
    graph->state_floats += 2 * padded;
    return (int)graph->running_count++;
}

/* Appends a node and the tensor that it writes. */
static int add_node(rncl_builder *builder, const rncl_node *node, rncl_shape output)
{
    rncl_graph *graph = builder->graph;
    if (output.h < 1 || output.w < 1) {
        builder->status =
            RNCL_FAIL(RNCL_ERR_SHAPE, "--image %d: nothing is left of the image behind %s; use larger images",
                      graph->options.image, node->name);
        return -1;
    }
    int tensor = rncl_builder_tensor(builder, output);
    rncl_node *nodes = grow(builder, graph->nodes, graph->node_count, sizeof *nodes);
    if (!nodes)
        return -1;
    graph->nodes = nodes;
    nodes[graph->node_count] = *node;
    nodes[graph->node_count].output = tensor;
    graph->node_count++;
    return tensor;
}

static rncl_node node_of(const char *name, rncl_op_kind kind, int input)
{
    rncl_node node = {.op.kind = kind,
                      .input = input,
                      .residual = -1,
                      .output = -1,
                      .weight = -1,
                      .bias = -1,
                      .running = -1};
    rncl_builder_name(node.name, "%s", name);
    return node;
}

void rncl_builder_declare(rncl_builder *builder, rncl_conv_norm *layer)
{
    rncl_param filter = {
        .kind = RNCL_PARAM_CONV, .rank = 4, .dims = {layer->out, layer->in, layer->window, layer->window}};
    rncl_builder_name(filter.name, "%s.weight", layer->conv);
    layer->filter = add_param(builder, &filter);
    layer->weight = add_vector(builder, layer->norm, "weight", layer->out);
    layer->bias = add_vector(builder, layer->norm, "bias", layer->out);
    layer->running = add_running(builder, layer->norm, layer->out);
}

static int add_conv(rncl_builder *builder, const rncl_conv_norm *layer, int input)
{
    if (builder->status)
        return -1;
    rncl_shape x = builder->graph->tensors[input];
    rncl_shape y = {1, rncl_window_output(x.h, layer->window, layer->stride, layer->pad),
                    rncl_window_output(x.w, layer->window, layer->stride, layer->pad), layer->out};
    rncl_node node = node_of(layer->conv, RNCL_OP_conv, input);
    node.weight = layer->filter;
    node.op.conv = (rncl_conv_shape){.n = 1,
                                     .h = x.h,
                                     .w = x.w,
                                     .c = x.c,
                                     .k = layer->out,
                                     .r = layer->window,
                                     .s = layer->window,
                                     .stride = layer->stride,
                                     .pad = layer->pad,
                                     .p = y.h,
                                     .q = y.w};
    return add_node(builder, &node, y);
}

static void set_residual(rncl_batchnorm_shape *norm, rncl_shape residual, int stride)
{
    norm->residual = RNCL_RESIDUAL_ADD;
    if (residual.h == norm->h && residual.w == norm->w && residual.c == norm->c)
        return;
    norm->residual = RNCL_RESIDUAL_PAD;
    norm->residual_h = residual.h;
    norm->residual_w = residual.w;
    norm->residual_c = residual.c;
    norm->residual_stride = stride;
}

int rncl_builder_conv_norm(rncl_builder *builder, const rncl_conv_norm *layer, int input, rncl_norm_tail tail)
{
    int x = add_conv(builder, layer, input);
    if (builder->status)
        return -1;
    const rncl_graph *graph = builder->graph;
    rncl_shape shape = graph->tensors[x];
    rncl_node node = node_of(layer->norm, RNCL_OP_batchnorm, x);
    node.weight = layer->weight;
    node.bias = layer->bias;
    node.running = layer->running;
    node.residual = tail.residual;
    node.op.batchnorm = (rncl_batchnorm_shape){
        .n = 1, .h = shape.h, .w = shape.w, .c = shape.c, .relu = tail.relu, .residual = RNCL_RESIDUAL_NONE};
    if (tail.residual >= 0)
        set_residual(&node.op.batchnorm, graph->tensors[tail.residual], tail.residual_stride);
    return add_node(builder, &node, shape);
}

int rncl_builder_conv_bias(rncl_builder *builder, const char *name, int input, int outputs, int window)
{
    if (builder->status)
        return -1;
    int inputs = builder->graph->tensors[input].c;
    rncl_conv_norm layer = {.in = inputs, .out = outputs, .window = window, .stride = 1, .pad = window / 2};
    rncl_param filter = {.kind = RNCL_PARAM_CONV, .rank = 4, .dims = {outputs, inputs, window, window}};
    rncl_builder_name(layer.conv, "%s", name);
    rncl_builder_name(filter.name, "%s.weight", name);
    layer.filter = add_param(builder, &filter);
    int bias = add_vector(builder, name, "bias", outputs);
    int y = add_conv(builder, &layer, input);
    if (!builder->status)
        builder->graph->nodes[builder->graph->node_count - 1].bias = bias;
    return y;
}

int rncl_builder_maxpool(rncl_builder *builder, int input, int size, int stride, int pad)
{
    if (builder->status)
        return -1;
    rncl_shape x = builder->graph->tensors[input];
    rncl_shape y = {1, rncl_window_output(x.h, size, stride, pad), rncl_window_output(x.w, size, stride, pad),
                    x.c};
    rncl_node node = node_of("maxpool", RNCL_OP_maxpool, input);
    node.op.maxpool = (rncl_maxpool_shape){
        .n = 1, .h = x.h, .w = x.w, .c = x.c, .size = size, .stride = stride, .pad = pad, .p = y.h, .q = y.w};
    return add_node(builder, &node, y);
}

int rncl_builder_avgpool(rncl_builder *builder, int input)
{
    if (builder->status)
        return -1;
    rncl_shape x = builder->graph->tensors[input];
    rncl_node node = node_of("avgpool", RNCL_OP_avgpool, input);
    node.op.avgpool = (rncl_avgpool_shape){.n = 1, .h = x.h, .w = x.w, .c = x.c};
    return add_node(builder, &node, (rncl_shape){1, 1, 1, x.c});
}

int rncl_builder_linear(rncl_builder *builder, const char *name, int input, int outputs)
{
    if (builder->status)
        return -1;
    size_t values = rncl_shape_count(builder->graph->tensors[input]);
    if (values > INT_MAX) {
        builder->status =
            RNCL_FAIL(RNCL_ERR_SHAPE, "--image %d: %s would have %zu inputs; use smaller images",
                      builder->graph->options.image, name, values);
        return -1;
    }
    int inputs = (int)values;
    rncl_param weight = {.kind = RNCL_PARAM_LINEAR, .rank = 2, .dims = {outputs, inputs}};
    rncl_builder_name(weight.name, "%s.weight", name);
    rncl_node node = node_of(name, RNCL_OP_linear, input);
    node.op.linear = (rncl_linear_shape){.n = 1, .c = inputs, .k = outputs};
    node.weight = add_param(builder, &weight);
    node.bias = add_vector(builder, name, "bias", outputs);
    return add_node(builder, &node, (rncl_shape){1, 1, 1, outputs});
}
