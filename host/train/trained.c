/* From a model file to a network on a device. */
#include "trained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labels.h"
#include "planning.h"
#include "util.h"

/* Options whose values a model file has. */
static const char *const rows[] = {"arch",  "depth",   "shortcut", "bottleneck", "stem-pool",
                                   "image", "classes", "mean",     "std"};

static rncl_status take_rows(const rncl_options *known, rncl_options *options)
{
    options->network.channels = known->network.channels;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const rncl_option *option = rncl_option_find(rows[i], RNCL_FOR_EVAL);
        char text[RNCL_TEXT_LENGTH];
        rncl_option_format(known, option, text, sizeof text);
        if (rncl_option_source_of(options, option->name) == RNCL_FROM_DEFAULT)
            RNCL_TRY(rncl_options_set(options, option, text, RNCL_FROM_CONFIG));
    }
    return RNCL_OK;
}

/* A file that does not say which network it is has a last layer all the same. */
static rncl_status take_classes(const rncl_options *known, rncl_options *options)
{
    char text[16];
    if (known->network.classes == 0 || options->network.classes != 0)
        return RNCL_OK;
    snprintf(text, sizeof text, "%d", known->network.classes);
    return rncl_options_set(options, rncl_option_find("classes", RNCL_FOR_EVAL), text, RNCL_FROM_CONFIG);
}

/* Where nothing else says how many classes there are, the names do. */
static rncl_status take_labels(rncl_options *options, rncl_model_meta *meta)
{
    RNCL_TRY(rncl_labels_read(options->labels, options->network.classes, meta));
    options->network.classes = meta->label_count;
    return RNCL_OK;
}

rncl_status rncl_trained_describe(rncl_options *options, rncl_model_meta *meta)
{
    rncl_options known;
    rncl_options_init(&known);
    RNCL_TRY(rncl_model_read_meta(options->model, &known.network, meta));
    memcpy(known.mean, meta->mean, sizeof known.mean);
    memcpy(known.std, meta->std, sizeof known.std);
    rncl_status st = meta->has_network ? take_rows(&known, options) : take_classes(&known, options);
    if (!st && options->labels[0])
        st = take_labels(options, meta);
    if (st)
        rncl_model_meta_fini(meta);
    return st;
}

/* Most files without metadata are torchvision's, whose models expect this. */
static void assume_imagenet(const rncl_log *log, rncl_options *options)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
    if (rncl_option_source_of(options, "mean") != RNCL_FROM_DEFAULT ||
        rncl_option_source_of(options, "std") != RNCL_FROM_DEFAULT)
        return;
    memcpy(options->mean, mean, sizeof mean);
    memcpy(options->std, std, sizeof std);
    rncl_log_line(
        log, RNCL_LOG_NOTE,
        "%s does not say how pictures are normalised: using ImageNet's mean and deviation; --mean and "
        "--std give others",
        options->model);
}

rncl_status rncl_trained_open(const rncl_log *log, rncl_options *options, rncl_model_meta *meta,
                              rncl_graph **graph)
{
    RNCL_TRY(rncl_trained_describe(options, meta));
    if (!meta->has_network)
        assume_imagenet(log, options);
    rncl_status st = rncl_graph_build(&options->network, graph);
    if (!st) {
        options->network = (*graph)->options;
        st = rncl_labels_default(options->network.classes, meta);
    }
    if (!st)
        return RNCL_OK;
    rncl_graph_destroy(*graph);
    *graph = NULL;
    rncl_model_meta_fini(meta);
    return st;
}

rncl_status rncl_trained_read(const rncl_log *log, const rncl_options *options, const rncl_graph *graph,
                              rncl_trained_weights *out)
{
    const rncl_model_source source = {.path = options->model, .log = log, .adapt_stem = options->adapt_stem};
    out->params = calloc(graph->param_floats, sizeof *out->params);
    out->state = calloc(graph->state_floats + 1, sizeof *out->state);
    if (!out->params || !out->state)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %zu parameters", graph->param_floats);
    int64_t batches_tracked;
    return rncl_model_load(&source, graph, out->params, out->state, &batches_tracked);
}

void rncl_trained_weights_free(rncl_trained_weights *weights)
{
    free(weights->params);
    free(weights->state);
    *weights = (rncl_trained_weights){0};
}

rncl_status rncl_trained_create(rncl_context *context, const rncl_options *options, const rncl_graph *graph,
                                bool logits, rncl_network **out)
{
    *out = NULL;
    rncl_network_setup setup = {
        .graph = graph,
        .batch_size = options->batch_size,
        .micro_batch = options->micro_batch,
        .logits = logits,
    };
    rncl_trained_weights weights = {0};
    rncl_network *network = NULL;
    rncl_store *store = NULL;
    rncl_status st = rncl_trained_read(&context->log, options, graph, &weights);
    if (!st)
        st = rncl_store_open(&context->info, context->precision, &context->log, &store);
    rncl_planning_apply(options, store, &setup);
    if (!st)
        st = rncl_network_create(context, &setup, &network);
    if (!st)
        st = rncl_network_write(network,
                                &(rncl_network_vectors){.params = weights.params, .state = weights.state});
    rncl_store_close(store);
    rncl_trained_weights_free(&weights);
    if (st) {
        rncl_network_destroy(network);
        return st;
    }
    *out = network;
    return RNCL_OK;
}
