/* rncl_evaluate: a model file, measured. */
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "measure.h"
#include "model.h"
#include "planning.h"
#include "trainer.h"
#include "util.h"

/* What a model file knows. */
static const char *const model_rows[] = {"arch",  "depth",   "shortcut", "bottleneck", "stem-pool",
                                         "image", "classes", "mean",     "std"};

/* Takes the network and its normalisation from the file, except what the options give. */
static rncl_status read_model(rncl_options *options)
{
    rncl_options known;
    rncl_options_init(&known);
    rncl_model_meta meta;
    RNCL_TRY(rncl_model_read_meta(options->model, &known.network, &meta));
    const bool has_network = meta.has_network;
    memcpy(known.mean, meta.mean, sizeof known.mean);
    memcpy(known.std, meta.std, sizeof known.std);
    rncl_model_meta_fini(&meta);
    if (!has_network)
        return RNCL_OK;
    options->network.channels = known.network.channels;
    for (size_t i = 0; i < COUNT(model_rows); i++) {
        const rncl_option *option = rncl_option_find(model_rows[i], RNCL_FOR_EVAL);
        char text[RNCL_TEXT_LENGTH];
        rncl_option_format(&known, option, text, sizeof text);
        if (rncl_option_source_of(options, option->name) == RNCL_FROM_DEFAULT)
            RNCL_TRY(rncl_options_set(options, option, text, RNCL_FROM_CONFIG));
    }
    return RNCL_OK;
}

static rncl_status load_weights(const rncl_graph *graph, const char *path, rncl_network_vectors *out)
{
    out->params = calloc(graph->param_floats, sizeof *out->params);
    out->state = calloc(graph->state_floats + 1, sizeof *out->state);
    if (!out->params || !out->state)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %zu parameters", graph->param_floats);
    int64_t batches_tracked;
    return rncl_model_load(path, graph, out->params, out->state, &batches_tracked);
}

static rncl_status evaluate(rncl_context *context, const rncl_options *options, const rncl_inputs *inputs,
                            const rncl_graph *graph, rncl_evaluation *result)
{
    rncl_network_setup setup = {
        .graph = graph,
        .batch_size = options->batch_size,
        .micro_batch = options->micro_batch,
    };
    const rncl_loader_options loader = rncl_inputs_validation(inputs, options);
    rncl_network_vectors vectors = {0};
    rncl_network *network = NULL;
    rncl_store *store = NULL;
    rncl_status st = load_weights(graph, options->model, &vectors);
    if (!st)
        st = rncl_store_open(&context->info, &context->log, &store);
    rncl_planning_apply(options, store, &setup);
    if (!st)
        st = rncl_network_create(context, &setup, &network);
    if (!st)
        st = rncl_network_write(network, &vectors);
    if (!st)
        st = rncl_measure(network, &loader, NULL, result);
    rncl_network_destroy(network);
    rncl_store_close(store);
    free(vectors.params);
    free(vectors.state);
    return st;
}

rncl_status rncl_evaluate(rncl_context *context, rncl_options *options, rncl_evaluation *result)
{
    *result = (rncl_evaluation){0};
    RNCL_TRY(read_model(options));
    rncl_inputs inputs;
    RNCL_TRY(rncl_inputs_open(options, false, &context->log, &inputs));
    rncl_graph *graph = NULL;
    rncl_status st = rncl_inputs_complete(&inputs, options);
    if (!st)
        st = rncl_graph_build(&options->network, &graph);
    if (!st)
        st = evaluate(context, options, &inputs, graph, result);
    rncl_graph_destroy(graph);
    rncl_inputs_close(&inputs);
    return st;
}
