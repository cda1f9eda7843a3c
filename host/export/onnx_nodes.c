/* One function for each kind of operation, in one table. */
#include "onnx_nodes.h"

#ifdef RNCL_WITH_ONNX

#include <stdio.h>
#include <stdlib.h>

#include "fold.h"
#include "util.h"

enum { NAME = 96 };

/* What is being exported. */
typedef struct writer {
    const rncl_exported *model;
    const rncl_graph *graph;
    rncl_onnx_file *file;
    bool fold;
    const char *input, *output;
    float *values; /* as many as the largest tensor has */
    float *bias;   /* the same */
    bool *folded;  /* [node_count]: the convolution has become one with the batch normalisation behind it */
} writer;

/* A tensor between nodes goes by its writer's name. */
static const char *tensor_name(const writer *w, int tensor)
{
    if (tensor == 0)
        return w->input;
    for (size_t i = 0; i + 1 < w->graph->node_count; i++)
        if (w->graph->nodes[i].output == tensor)
            return w->graph->nodes[i].name;
    return w->output;
}

/* "layer1.0.bn2/sum" */
static const char *part_name(const rncl_node *node, const char *part, char name[NAME])
{
    snprintf(name, NAME, "%s/%s", node->name, part);
    return name;
}

static rncl_onnx_attribute ints(const char *name, int count, int64_t each)
{
    rncl_onnx_attribute attribute = {.name = name, .count = count};
    for (int i = 0; i < count; i++)
        attribute.ints[i] = each;
    return attribute;
}

/* ---- constants ---- */

static void add_values(const writer *w, const rncl_model_tensor *tensor, const float *values)
{
    rncl_onnx_shape shape = {.rank = tensor->rank};
    for (int i = 0; i < tensor->rank; i++)
        shape.dims[i] = (int64_t)tensor->dims[i];
    rncl_onnx_file_floats(w->file, tensor->name, shape, values);
}

/* A tensor of the model file: a parameter by its index, or what follows those. */
static void add_tensor(const writer *w, size_t index)
{
    rncl_model_tensor tensor;
    rncl_model_tensor_at(w->graph, index, &tensor);
    rncl_model_tensor_get(w->graph, index, w->model->params, w->model->state, w->values);
    add_values(w, &tensor, w->values);
}

static void add_folded(const writer *w, size_t conv, const char *bias_name)
{
    rncl_model_tensor filter;
    const size_t index = (size_t)w->graph->nodes[conv].weight;
    rncl_model_tensor_at(w->graph, index, &filter);
    rncl_fold(w->model, conv, w->values, w->bias);
    add_values(w, &filter, w->values);
    rncl_onnx_file_floats(w->file, bias_name, (rncl_onnx_shape){1, {(int64_t)filter.dims[0]}}, w->bias);
}

/* ---- nodes ---- */

/* Whether nodes[index] is a batch normalisation that does no more than that. */
static bool is_bare(const writer *w, size_t index)
{
    const rncl_batchnorm_shape *shape = &w->graph->nodes[index].op.batchnorm;
    return shape->residual == RNCL_RESIDUAL_NONE && !shape->relu;
}

static void add_conv(writer *w, size_t index)
{
    const rncl_node *node = &w->graph->nodes[index];
    const rncl_conv_shape *shape = &node->op.conv;
    rncl_onnx_node conv = {
        .type = "Conv",
        .inputs = {tensor_name(w, node->input), w->graph->params[node->weight].name},
        .output = node->name,
        .attributes = {{.name = "kernel_shape", .count = 2, .ints = {shape->r, shape->s}},
                       ints("strides", 2, shape->stride),
                       ints("pads", 4, shape->pad)},
    };
    char bias[NAME];
    w->folded[index] = w->fold && rncl_fold_possible(w->graph, index);
    if (w->folded[index]) {
        snprintf(bias, sizeof bias, "%s.bias", node->name);
        add_folded(w, index, bias);
        conv.inputs[2] = bias;
        if (is_bare(w, index + 1))
            conv.output = node[1].name;
    } else {
        add_tensor(w, (size_t)node->weight);
    }
    rncl_onnx_file_node(w->file, &conv);
}

/* Reads x. */
static void add_normalisation(const writer *w, const rncl_node *node, const char *x, const char *y)
{
    const size_t indices[] = {(size_t)node->weight, (size_t)node->bias,
                              w->graph->param_count + 2 * (size_t)node->running,
                              w->graph->param_count + 2 * (size_t)node->running + 1};
    rncl_model_tensor tensors[COUNT(indices)];
    rncl_onnx_node norm = {
        .type = "BatchNormalization",
        .inputs = {x},
        .output = y,
        .attributes = {{.name = "epsilon", .number = RNCL_BATCHNORM_EPSILON}},
    };
    for (size_t i = 0; i < COUNT(indices); i++) {
        rncl_model_tensor_at(w->graph, indices[i], &tensors[i]);
        add_tensor(w, indices[i]);
        norm.inputs[i + 1] = tensors[i].name;
    }
    rncl_onnx_file_node(w->file, &norm);
}

/* Shortcut A where sizes change: every stride-th pixel, and zeros for the new channels. */
static void add_padded_shortcut(const writer *w, const rncl_node *node, const char *y)
{
    const rncl_batchnorm_shape *shape = &node->op.batchnorm;
    char starts[NAME], ends[NAME], axes[NAME], steps[NAME], pads[NAME], strided[NAME];
    const int64_t stride = shape->residual_stride;
    rncl_onnx_file_ints(w->file, part_name(node, "starts", starts), 2, (const int64_t[]){0, 0});
    rncl_onnx_file_ints(w->file, part_name(node, "ends", ends), 2,
                        (const int64_t[]){shape->residual_h, shape->residual_w});
    rncl_onnx_file_ints(w->file, part_name(node, "axes", axes), 2, (const int64_t[]){2, 3});
    rncl_onnx_file_ints(w->file, part_name(node, "steps", steps), 2, (const int64_t[]){stride, stride});
    rncl_onnx_file_node(w->file, &(rncl_onnx_node){
                                     .type = "Slice",
                                     .inputs = {tensor_name(w, node->residual), starts, ends, axes, steps},
                                     .output = part_name(node, "strided", strided),
                                 });
    rncl_onnx_file_ints(w->file, part_name(node, "pads", pads), 8,
                        (const int64_t[]){0, 0, 0, 0, 0, shape->c - shape->residual_c, 0, 0});
    rncl_onnx_file_node(w->file, &(rncl_onnx_node){.type = "Pad", .inputs = {strided, pads}, .output = y});
}

static void add_sum(const writer *w, const rncl_node *node, const char *x, const char *y)
{
    char padded[NAME];
    const char *shortcut = tensor_name(w, node->residual);
    if (node->op.batchnorm.residual == RNCL_RESIDUAL_PAD) {
        shortcut = part_name(node, "shortcut", padded);
        add_padded_shortcut(w, node, shortcut);
    }
    rncl_onnx_file_node(w->file, &(rncl_onnx_node){.type = "Add", .inputs = {x, shortcut}, .output = y});
}

/* Batch normalisation (unless it is folded), the shortcut's addition, ReLU. The last one's result has the
 * layer's own name. */
static void add_batchnorm(writer *w, size_t index)
{
    const rncl_node *node = &w->graph->nodes[index];
    const rncl_batchnorm_shape *shape = &node->op.batchnorm;
    const bool adds = shape->residual != RNCL_RESIDUAL_NONE;
    char normalised[NAME], sum[NAME];
    const char *x = tensor_name(w, node->input);
    if (index == 0 || !w->folded[index - 1]) {
        const char *y = is_bare(w, index) ? node->name : part_name(node, "normalised", normalised);
        add_normalisation(w, node, x, y);
        x = y;
    }
    if (adds) {
        const char *y = shape->relu ? part_name(node, "sum", sum) : node->name;
        add_sum(w, node, x, y);
        x = y;
    }
    if (shape->relu)
        rncl_onnx_file_node(w->file, &(rncl_onnx_node){.type = "Relu", .inputs = {x}, .output = node->name});
}

static void add_maxpool(writer *w, size_t index)
{
    const rncl_node *node = &w->graph->nodes[index];
    const rncl_maxpool_shape *shape = &node->op.maxpool;
    rncl_onnx_file_node(w->file,
                        &(rncl_onnx_node){
                            .type = "MaxPool",
                            .inputs = {tensor_name(w, node->input)},
                            .output = node->name,
                            .attributes = {ints("kernel_shape", 2, shape->size),
                                           ints("strides", 2, shape->stride), ints("pads", 4, shape->pad)},
                        });
}

static void add_avgpool(writer *w, size_t index)
{
    const rncl_node *node = &w->graph->nodes[index];
    rncl_onnx_file_node(w->file, &(rncl_onnx_node){.type = "GlobalAveragePool",
                                                   .inputs = {tensor_name(w, node->input)},
                                                   .output = node->name});
}

static void add_linear(writer *w, size_t index)
{
    const rncl_node *node = &w->graph->nodes[index];
    char flat[NAME];
    rncl_onnx_file_node(w->file, &(rncl_onnx_node){.type = "Flatten",
                                                   .inputs = {tensor_name(w, node->input)},
                                                   .output = part_name(node, "flat", flat)});
    add_tensor(w, (size_t)node->weight);
    add_tensor(w, (size_t)node->bias);
    rncl_onnx_file_node(
        w->file, &(rncl_onnx_node){
                     .type = "Gemm",
                     .inputs = {flat, w->graph->params[node->weight].name, w->graph->params[node->bias].name},
                     .output = tensor_name(w, node->output),
                     .attributes = {{.name = "transB", .ints = {1}, .single = true}},
                 });
}

/* Those that networks are made of. */
static void (*const adders[])(writer *w, size_t index) = {
    [RNCL_OP_conv] = add_conv,       [RNCL_OP_batchnorm] = add_batchnorm, [RNCL_OP_maxpool] = add_maxpool,
    [RNCL_OP_avgpool] = add_avgpool, [RNCL_OP_linear] = add_linear,
};

static rncl_status reserve(writer *w)
{
    const size_t tensors = rncl_model_tensor_count(w->graph);
    size_t largest = 1;
    for (size_t i = 0; i < tensors; i++) {
        rncl_model_tensor tensor;
        rncl_model_tensor_at(w->graph, i, &tensor);
        largest = MAX(largest, tensor.count);
    }
    w->values = calloc(largest, sizeof *w->values);
    w->bias = calloc(largest, sizeof *w->bias);
    w->folded = calloc(w->graph->node_count, sizeof *w->folded);
    return w->values && w->bias && w->folded ? RNCL_OK
                                             : RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu values", largest);
}

rncl_status rncl_onnx_nodes_add(const rncl_exported *model, bool fold, const char *input, const char *output,
                                rncl_onnx_file *file)
{
    writer w = {
        .model = model, .graph = model->graph, .file = file, .fold = fold, .input = input, .output = output};
    const rncl_status st = reserve(&w);
    for (size_t i = 0; i < w.graph->node_count && !st; i++)
        adders[w.graph->nodes[i].op.kind](&w, i);
    free(w.values);
    free(w.bias);
    free(w.folded);
    return st;
}

#endif
