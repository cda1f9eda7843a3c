/* The first weights of a run: a checkpoint's, a model's, or random ones. */
#include <stdlib.h>
#include <string.h>

#include "run_folder.h"
#include "training_errors.h"
#include "training_ranks.h"
#include "util.h"

rncl_checkpoint rncl_training_checkpoint(rncl_training *t, const char *path)
{
    return (rncl_checkpoint){.path = path,
                             .fingerprint = t->fingerprint,
                             .data = t->data,
                             .any_data = t->options->force_resume,
                             .param_floats = t->graph->param_floats,
                             .state_floats = t->graph->state_floats,
                             .averaged = t->options->ema > 0,
                             .errors = t->errors.values ? &t->errors : NULL};
}

static rncl_status load(rncl_training *t, const char *name)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(rncl_run_folder_path(t->options, name, path));
    const rncl_checkpoint checkpoint = rncl_training_checkpoint(t, path);
    return rncl_checkpoint_load(&checkpoint, &t->state, &t->vectors);
}

rncl_status rncl_training_load(rncl_training *t, const char *name)
{
    RNCL_TRY(rncl_ranks_agree(t->ranks, rncl_ranks_first(t->ranks) ? load(t, name) : RNCL_OK));
    RNCL_TRY(rncl_training_deal_errors(t));
    return rncl_training_share_vectors(t);
}

static rncl_status allocate(rncl_training *t)
{
    const size_t params = t->graph->param_floats, state = t->graph->state_floats + 1;
    const bool averaged = t->options->ema > 0;
    rncl_network_vectors *v = &t->vectors;
    const struct {
        float **vector;
        size_t floats;
    } wanted[] = {
        {&v->params, params},
        {&v->state, state},
        {&v->velocity, params},
        {&v->average, averaged ? params : 0},
        {&v->average_state, averaged ? state : 0},
    };
    v->loss_scale = &t->state.loss_scale;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (!wanted[i].floats)
            continue;
        *wanted[i].vector = calloc(wanted[i].floats, sizeof(float));
        if (!*wanted[i].vector)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %zu parameters", params);
    }
    return RNCL_OK;
}

/* What the model does not have, the last layer of other classes, stays as it was initialised. */
static rncl_status start_from_model(rncl_training *t)
{
    const rncl_model_source source = {.path = t->options->init,
                                      .log = &t->context->log,
                                      .adapt_stem = t->options->adapt_stem,
                                      .training = true};
    return rncl_model_load(&source, t->graph, t->vectors.params, t->vectors.state, &t->state.batches_tracked);
}

/* Before the first step an average is what it will be taken of. */
static void start_average(rncl_training *t)
{
    rncl_network_vectors *v = &t->vectors;
    if (!v->average)
        return;
    memcpy(v->average, v->params, t->graph->param_floats * sizeof *v->average);
    memcpy(v->average_state, v->state, t->graph->state_floats * sizeof *v->average_state);
}

static rncl_status fill(rncl_training *t)
{
    const rncl_options *options = t->options;
    const rncl_network_vectors *v = &t->vectors;
    if (options->resume[0])
        return load(t, RNCL_RUN_CHECKPOINT);
    rncl_graph_initialise(t->graph, options->seed, v->params, v->state);
    if (options->zero_init_residual)
        rncl_graph_zero_residuals(t->graph, v->params);
    if (options->init[0])
        RNCL_TRY(start_from_model(t));
    start_average(t);
    return RNCL_OK;
}

rncl_status rncl_training_prepare_weights(rncl_training *t)
{
    t->state = rncl_run_state_start();
    rncl_status st = allocate(t);
    if (!st)
        st = rncl_training_allocate_errors(t);
    if (!st && rncl_ranks_first(t->ranks))
        st = fill(t);
    RNCL_TRY(rncl_ranks_agree(t->ranks, st));
    RNCL_TRY(rncl_training_deal_errors(t));
    RNCL_TRY(rncl_training_share_vectors(t));
    t->seconds_before = t->state.seconds;
    return RNCL_OK;
}

void rncl_training_free_weights(rncl_training *t)
{
    const rncl_network_vectors *v = &t->vectors;
    float *const vectors[] = {v->params, v->state, v->velocity, v->average, v->average_state};
    for (size_t i = 0; i < COUNT(vectors); i++)
        free(vectors[i]);
    free(t->errors.values);
}
