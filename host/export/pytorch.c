/* The network is written out layer by layer, by one function for each kind of operation. */
#include "pytorch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "file.h"
#include "model_meta.h"
#include "number.h"
#include "rncl/version.h"
#include "util.h"

/* What is being written. */
typedef struct writer {
    const rncl_graph *graph;
    FILE *stream;
    size_t *last_reader; /* [tensor_count]: the last node that reads it */
    int *variable;       /* [tensor_count]: x0, x1 …; shared by tensors that are not needed at one time */
    size_t *free_at;     /* [tensor_count], by variable: the node behind which it may be used again */
} writer;

/* ---- variables ---- */

static void find_last_readers(const writer *w)
{
    for (size_t i = 0; i < w->graph->node_count; i++) {
        const rncl_node *node = &w->graph->nodes[i];
        w->last_reader[node->input] = i;
        if (node->residual >= 0)
            w->last_reader[node->residual] = i;
    }
}

/* The first variable that no tensor occupies when `node` writes `tensor`; one that it reads last is free. */
static void choose_variable(const writer *w, size_t node, int tensor)
{
    int variable = 0;
    while (w->free_at[variable] > node)
        variable++;
    w->variable[tensor] = variable;
    w->free_at[variable] = w->last_reader[tensor];
}

/* ---- layers and their use, by kind of operation ---- */

static void declare_conv(const writer *w, const rncl_node *node)
{
    const rncl_conv_shape *s = &node->op.conv;
    fprintf(w->stream, "nn.Conv2d(%d, %d, %d, stride=%d, padding=%d, bias=False)", s->c, s->k, s->r,
            s->stride, s->pad);
}

static void declare_batchnorm(const writer *w, const rncl_node *node)
{
    rncl_number_print(w->stream, "nn.BatchNorm2d(%d, eps=%g)", node->op.batchnorm.c,
                      (double)RNCL_BATCHNORM_EPSILON);
}

static void declare_linear(const writer *w, const rncl_node *node)
{
    fprintf(w->stream, "nn.Linear(%d, %d)", node->op.linear.c, node->op.linear.k);
}

static void use_conv(const writer *w, const rncl_node *node)
{
    fprintf(w->stream, "layer(\"%s\")(x%d)", node->name, w->variable[node->input]);
}

static void use_batchnorm(const writer *w, const rncl_node *node)
{
    const rncl_batchnorm_shape *s = &node->op.batchnorm;
    fputs(s->relu ? "F.relu(" : "", w->stream);
    use_conv(w, node);
    if (s->residual == RNCL_RESIDUAL_ADD)
        fprintf(w->stream, " + x%d", w->variable[node->residual]);
    if (s->residual == RNCL_RESIDUAL_PAD)
        fprintf(w->stream, " + F.pad(x%d[:, :, ::%d, ::%d], (0, 0, 0, 0, 0, %d))",
                w->variable[node->residual], s->residual_stride, s->residual_stride, s->c - s->residual_c);
    fputs(s->relu ? ")" : "", w->stream);
}

static void use_maxpool(const writer *w, const rncl_node *node)
{
    const rncl_maxpool_shape *s = &node->op.maxpool;
    fprintf(w->stream, "F.max_pool2d(x%d, %d, %d, %d)", w->variable[node->input], s->size, s->stride, s->pad);
}

static void use_avgpool(const writer *w, const rncl_node *node)
{
    fprintf(w->stream, "F.adaptive_avg_pool2d(x%d, 1)", w->variable[node->input]);
}

static void use_linear(const writer *w, const rncl_node *node)
{
    fprintf(w->stream, "layer(\"%s\")(x%d.flatten(1))", node->name, w->variable[node->input]);
}

/* Those that networks are made of. */
static const struct {
    void (*declare)(const writer *w, const rncl_node *node); /* NULL: it has no parameters */
    void (*use)(const writer *w, const rncl_node *node);
} kinds[] = {
    [RNCL_OP_conv] = {declare_conv, use_conv},       [RNCL_OP_batchnorm] = {declare_batchnorm, use_batchnorm},
    [RNCL_OP_maxpool] = {NULL, use_maxpool},         [RNCL_OP_avgpool] = {NULL, use_avgpool},
    [RNCL_OP_linear] = {declare_linear, use_linear},
};

/* ---- the file ---- */

static void write_floats(const writer *w, const char *name, const float *values)
{
    fprintf(w->stream, "%s = [", name);
    for (int i = 0; i < w->graph->options.channels; i++)
        rncl_number_print(w->stream, "%s%.9g", i ? ", " : "", (double)values[i]);
    fputs("]\n", w->stream);
}

/* JSON's strings are Python's where all characters stand for themselves. Labels need not be UTF-8. */
static rncl_status write_labels(const writer *w, const rncl_model_meta *meta)
{
    json_t *metadata;
    RNCL_TRY(rncl_model_meta_json("labels", &w->graph->options, meta, &metadata));
    fprintf(w->stream, "LABELS = %s\n", json_string_value(json_object_get(metadata, "rncl.labels")));
    json_decref(metadata);
    return RNCL_OK;
}

static rncl_status write_head(const writer *w, const rncl_model_meta *meta)
{
    const rncl_network_options *o = &w->graph->options;
    fprintf(
        w->stream,
        "\"\"\"%s-%d for PyTorch, written by rncl %s.\n\n"
        "load(\"best.safetensors\") gives the network with rncl's weights, ready for inference. It takes\n"
        "pictures as (pixels from 0 to 1 - MEAN) / STD, [N, %d, IMAGE, IMAGE], and gives logits [N, %d].\n"
        "\"\"\"\n"
        "import json\nimport struct\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import "
        "nn\n\n"
        "IMAGE = %d\n",
        rncl_arch_name(o->arch), o->depth, RNCL_VERSION, o->channels, o->classes, o->image);
    write_floats(w, "MEAN", meta->mean);
    write_floats(w, "STD", meta->std);
    return write_labels(w, meta);
}

static void write_network(const writer *w)
{
    fputs("\n\nclass Network(nn.Module):\n    def __init__(self):\n        super().__init__()\n", w->stream);
    for (size_t i = 0; i < w->graph->node_count; i++) {
        const rncl_node *node = &w->graph->nodes[i];
        if (!kinds[node->op.kind].declare)
            continue;
        fprintf(w->stream, "        self.add(\"%s\", ", node->name);
        kinds[node->op.kind].declare(w, node);
        fputs(")\n", w->stream);
    }
    fputs("\n"
          "    def add(self, name, layer):\n"
          "        \"\"\"A layer called layer1.0.conv1 becomes self.layer1.0.conv1, as the weights are "
          "named.\"\"\"\n"
          "        *path, last = name.split(\".\")\n"
          "        parent = self\n"
          "        for part in path:\n"
          "            if not hasattr(parent, part):\n"
          "                parent.add_module(part, nn.Module())\n"
          "            parent = getattr(parent, part)\n"
          "        parent.add_module(last, layer)\n\n"
          "    def forward(self, x0):\n"
          "        layer = self.get_submodule\n",
          w->stream);
    choose_variable(w, 0, 0);
    for (size_t i = 0; i < w->graph->node_count; i++) {
        const rncl_node *node = &w->graph->nodes[i];
        choose_variable(w, i, node->output);
        fprintf(w->stream, "        x%d = ", w->variable[node->output]);
        kinds[node->op.kind].use(w, node);
        fputc('\n', w->stream);
    }
    fprintf(w->stream, "        return x%d\n", w->variable[w->graph->nodes[w->graph->node_count - 1].output]);
}

static void write_loader(const writer *w)
{
    fputs("\n\n"
          "def load(path):\n"
          "    \"\"\"The network with the weights of a safetensors file, for inference.\"\"\"\n"
          "    types = {\"F64\": torch.float64, \"F32\": torch.float32, \"F16\": torch.float16,\n"
          "             \"BF16\": torch.bfloat16, \"I64\": torch.int64}\n"
          "    with open(path, \"rb\") as file:\n"
          "        (length,) = struct.unpack(\"<Q\", file.read(8))\n"
          "        header = json.loads(file.read(length))\n"
          "        data = file.read()\n"
          "    header.pop(\"__metadata__\", None)\n"
          "    weights = {}\n"
          "    for name, entry in header.items():\n"
          "        begin, end = entry[\"data_offsets\"]\n"
          "        values = torch.frombuffer(bytearray(data[begin:end]), dtype=types[entry[\"dtype\"]])\n"
          "        weights[name] = values.reshape(entry[\"shape\"])\n"
          "    network = Network()\n"
          "    network.load_state_dict(weights)\n"
          "    return network.eval()\n",
          w->stream);
}

static rncl_status write_all(const writer *w, const rncl_model_meta *meta)
{
    if (!w->last_reader || !w->variable || !w->free_at)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a network of %zu tensors", w->graph->tensor_count);
    find_last_readers(w);
    RNCL_TRY(write_head(w, meta));
    write_network(w);
    write_loader(w);
    return RNCL_OK;
}

rncl_status rncl_pytorch_export(const rncl_exported *model, const char *path)
{
    const size_t tensors = model->graph->tensor_count;
    rncl_atomic_file file;
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    const writer w = {
        .graph = model->graph,
        .stream = file.stream,
        .last_reader = calloc(tensors, sizeof *w.last_reader),
        .variable = calloc(tensors, sizeof *w.variable),
        .free_at = calloc(tensors, sizeof *w.free_at),
    };
    const rncl_status st = write_all(&w, model->meta);
    free(w.last_reader);
    free(w.variable);
    free(w.free_at);
    if (st) {
        rncl_atomic_file_abandon(&file);
        return st;
    }
    return rncl_atomic_file_commit(&file);
}
