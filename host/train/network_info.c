/* A network's facts from a model file, from data, or from options alone. */
#include "network_info.h"

#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "model.h"
#include "trained.h"
#include "util.h"

typedef struct names {
    const char *const *labels;
    int count;
} names;

/* One allocation: the struct, the pointers, the texts. */
static rncl_network_info *pack(const rncl_network_info *info, names from)
{
    const size_t count = (size_t)from.count;
    size_t size = sizeof *info + count * sizeof(char *);
    for (size_t i = 0; i < count; i++)
        size += strlen(from.labels[i]) + 1;
    rncl_network_info *packed = malloc(size);
    if (!packed)
        return NULL;
    char **labels = (char **)(packed + 1), *text = (char *)(labels + count);
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(from.labels[i]) + 1;
        labels[i] = memcpy(text, from.labels[i], length);
        text += length;
    }
    *packed = *info;
    packed->labels = count ? (const char *const *)labels : NULL;
    packed->label_count = from.count;
    return packed;
}

static rncl_status describe(const rncl_network_options *network, names labels, rncl_network_info **out)
{
    rncl_graph *graph;
    RNCL_TRY(rncl_graph_build(network, &graph));
    const rncl_network_options *complete = &graph->options;
    const rncl_graph_cost total = rncl_graph_total(graph);
    const rncl_network_info info = {
        .arch = rncl_arch_name(complete->arch),
        .depth = complete->depth,
        .image = complete->image,
        .channels = complete->channels,
        .classes = complete->classes,
        .parameters = total.parameters,
        .macs = total.macs,
        .activations = total.activations,
    };
    rncl_graph_destroy(graph);
    *out = pack(&info, labels);
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "facts of a network");
}

static rncl_status describe_model(rncl_options *options, rncl_network_info **out)
{
    rncl_model_meta meta;
    RNCL_TRY(rncl_trained_describe(options, &meta));
    const names labels = {(const char *const *)meta.labels, meta.label_count};
    rncl_status st = describe(&options->network, labels, out);
    rncl_model_meta_fini(&meta);
    return st;
}

static rncl_status describe_for_data(rncl_options *options, const rncl_log *log, rncl_network_info **out)
{
    rncl_inputs inputs;
    RNCL_TRY(rncl_inputs_open(options, false, log, &inputs));
    rncl_status st = rncl_inputs_complete(&inputs, options);
    const rncl_dataset_info *info = &inputs.validation->info;
    if (!st)
        st = describe(&options->network, (names){info->labels, info->labels ? info->classes : 0}, out);
    rncl_inputs_close(&inputs);
    return st;
}

rncl_status rncl_network_info_create(rncl_options *options, const rncl_log *log, rncl_network_info **out)
{
    *out = NULL;
    if (options->model[0])
        return describe_model(options, out);
    if (options->data[0] || rncl_inputs_in_memory(options))
        return describe_for_data(options, log, out);
    return describe(&options->network, (names){0}, out);
}
