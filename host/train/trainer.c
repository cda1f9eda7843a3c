/* rncl_train, and the trainer of include/rncl/trainer.h: the same training, in a loop of rncl's or of the
 * caller's. */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "training.h"
#include "util.h"

rncl_status rncl_train(rncl_context *context, rncl_options *options, const rncl_train_listener *listener,
                       rncl_ranks *ranks, rncl_train_result *result)
{
    rncl_training t = {.context = context, .options = options, .listener = *listener, .ranks = ranks};
    rncl_status st = rncl_training_open(&t, options);
    if (!st)
        st = rncl_training_run(&t);
    rncl_training_result(&t, result);
    rncl_training_close(&t);
    return st;
}

struct rncl_trainer {
    rncl_context *context;
    rncl_options options;
    rncl_training training;
    bool fetched; /* the vectors on the host are the device's */
    bool changed; /* the vectors on the host are newer than the device's */
};

rncl_status rncl_trainer_create(const rncl_session *session, rncl_trainer **out)
{
    RNCL_NEED(out);
    *out = NULL;
    RNCL_NEED(session);
    rncl_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "trainer");
    trainer->options = session->options;
    rncl_status st = rncl_session_open_device(session, &trainer->context);
    if (st)
        goto fail;
    trainer->training.context = trainer->context;
    trainer->training.options = &trainer->options;
    st = rncl_training_open(&trainer->training, &trainer->options);
    if (st)
        goto fail;
    *out = trainer;
    return RNCL_OK;
fail:
    rncl_trainer_destroy(trainer);
    return st;
}

void rncl_trainer_destroy(rncl_trainer *trainer)
{
    if (!trainer)
        return;
    rncl_training_close(&trainer->training);
    rncl_context_destroy(trainer->context);
    free(trainer);
}

/* ---- the loop's parts ---- */

/* Parameters that the caller has written go to the device before it works on. */
static rncl_status send_changes(rncl_trainer *trainer)
{
    if (!trainer->changed)
        return RNCL_OK;
    const rncl_network_vectors *v = &trainer->training.vectors;
    const rncl_network_vectors written = {.params = v->params, .state = v->state};
    RNCL_TRY(rncl_network_write(trainer->training.network, &written));
    trainer->changed = false;
    return RNCL_OK;
}

rncl_status rncl_trainer_step(rncl_trainer *trainer, int64_t count, rncl_progress *progress)
{
    RNCL_NEED(trainer);
    if (count < 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%lld steps: give 0 or more", (long long)count);
    RNCL_TRY(send_changes(trainer));
    trainer->fetched = false;
    RNCL_TRY(rncl_training_step(&trainer->training, count));
    if (progress)
        *progress = rncl_training_progress(&trainer->training, false);
    return RNCL_OK;
}

int64_t rncl_trainer_steps_ahead(const rncl_trainer *trainer)
{
    return rncl_training_steps_ahead(&trainer->training);
}

bool rncl_trainer_evaluation_due(const rncl_trainer *trainer)
{
    return rncl_training_evaluation_due(&trainer->training);
}

bool rncl_trainer_finished(const rncl_trainer *trainer)
{
    return rncl_training_finished(&trainer->training);
}

rncl_status rncl_trainer_evaluate(rncl_trainer *trainer, rncl_evaluation *result)
{
    RNCL_NEED(trainer);
    RNCL_NEED(result);
    *result = (rncl_evaluation){0};
    RNCL_TRY(send_changes(trainer));
    return rncl_training_evaluate(&trainer->training, result);
}

rncl_status rncl_trainer_save(rncl_trainer *trainer)
{
    RNCL_NEED(trainer);
    RNCL_TRY(send_changes(trainer));
    return rncl_training_save(&trainer->training);
}

void rncl_trainer_result(const rncl_trainer *trainer, rncl_train_result *result)
{
    rncl_training_result(&trainer->training, result);
}

/* ---- parameters by name ---- */

size_t rncl_trainer_parameter_count(const rncl_trainer *trainer)
{
    return rncl_model_tensor_count(trainer->training.graph);
}

rncl_status rncl_trainer_parameter(const rncl_trainer *trainer, size_t index, rncl_parameter *out)
{
    RNCL_NEED(trainer);
    RNCL_NEED(out);
    *out = (rncl_parameter){0};
    const size_t count = rncl_trainer_parameter_count(trainer);
    if (index >= count)
        return RNCL_FAIL(RNCL_ERR_USAGE, "parameter %zu: there are %zu", index, count);
    rncl_model_tensor tensor;
    rncl_model_tensor_at(trainer->training.graph, index, &tensor);
    memcpy(out->name, tensor.name, sizeof out->name);
    out->rank = tensor.rank;
    memcpy(out->dims, tensor.dims, sizeof out->dims);
    out->count = tensor.count;
    return RNCL_OK;
}

/* The parameter of that name and size, with its vectors on the host. */
static rncl_status find_parameter(rncl_trainer *trainer, const char *name, size_t count, size_t *index)
{
    rncl_training *t = &trainer->training;
    RNCL_TRY(rncl_model_tensor_find(t->graph, name, index));
    rncl_model_tensor tensor;
    rncl_model_tensor_at(t->graph, *index, &tensor);
    if (count != tensor.count)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s has %zu values, not %zu", name, tensor.count, count);
    if (!trainer->fetched && !trainer->changed)
        RNCL_TRY(rncl_network_read(t->network, &t->vectors));
    trainer->fetched = true;
    return RNCL_OK;
}

rncl_status rncl_trainer_read(rncl_trainer *trainer, const char *name, float *values, size_t count)
{
    RNCL_NEED(trainer);
    RNCL_NEED(name);
    RNCL_NEED(values);
    size_t index;
    RNCL_TRY(find_parameter(trainer, name, count, &index));
    const rncl_network_vectors *v = &trainer->training.vectors;
    rncl_model_tensor_get(trainer->training.graph, index, v->params, v->state, values);
    return RNCL_OK;
}

rncl_status rncl_trainer_write(rncl_trainer *trainer, const char *name, const float *values, size_t count)
{
    RNCL_NEED(trainer);
    RNCL_NEED(name);
    RNCL_NEED(values);
    size_t index;
    RNCL_TRY(find_parameter(trainer, name, count, &index));
    const rncl_network_vectors *v = &trainer->training.vectors;
    rncl_model_tensor_set(trainer->training.graph, index, values, v->params, v->state);
    trainer->changed = true;
    return RNCL_OK;
}
