/* Softmax cross-entropy. */
#include "softmax.h"

#include <math.h>
#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

/* Rows of the batch behind those of the call. */
enum { ROWS_AFTER = 2 };

static const check_shape fixed[] = {
    {.softmax = {.shape = {.n = 16, .k = 10}, .smoothing = 0.0f, .scale = 1.0f}},
    {.softmax = {.shape = {.n = 8, .k = 100}, .first = 8, .smoothing = 0.1f, .scale = 1.0f / 16}},
    {.softmax = {.shape = {.n = 4, .k = 1000}, .smoothing = 0.1f, .scale = 1.0f / 256}},
    {.softmax = {.shape = {.n = 16, .k = 10}, .scale = 1.0f / 16, .mix = 0.3f}},
    {.softmax = {.shape = {.n = 9, .k = 10}, .scale = 1.0f / 9, .weighted = true}},
    {.softmax = {.shape = {.n = 8, .k = 100},
                 .first = 8,
                 .smoothing = 0.1f,
                 .scale = 1.0f / 16,
                 .mix = 0.7f,
                 .weighted = true}},
};

static const check_variant variants[] = {{.name = "normal"}};

static void softmax_draw(rncl_random *random, check_shape *shape)
{
    shape->softmax = (check_softmax_shape){
        .shape = {.n = check_between(random, 1, 40),
                  .k = check_once_in(random, 3) ? check_between(random, 1, 300)
                                                : check_between(random, 1, 20)},
        .first = check_once_in(random, 2) ? 0 : check_between(random, 1, 30),
        .smoothing = check_once_in(random, 2) ? 0.0f : 0.5f * rncl_random_uniform(random),
        .scale = 1.0f / (float)check_between(random, 1, 256),
        .mix = check_once_in(random, 2) ? 0.0f : rncl_random_uniform(random),
        .weighted = check_once_in(random, 2),
    };
}

static double softmax_work(const check_shape *shape)
{
    return (double)shape->softmax.shape.n * shape->softmax.shape.k;
}

static void softmax_describe(const check_shape *shape, char *text, size_t size)
{
    const check_softmax_shape *s = &shape->softmax;
    snprintf(text, size, "%dx%d from %d smoothing %.2f scale %.4f mix %.2f%s", s->shape.n, s->shape.k,
             s->first, (double)s->smoothing, (double)s->scale, (double)s->mix,
             s->weighted ? " weighted" : "");
}

/* Where no row of this call lies, the batch's losses and ranks stay as they are. */
static rncl_status softmax_create(check_trial *trial)
{
    const check_softmax_shape *s = &trial->shape.softmax;
    rncl_softmax *softmax;
    check_op_draw_knobs(trial);
    RNCL_TRY(rncl_softmax_create(trial->context, &s->shape, &trial->tuned, &softmax));
    trial->subject = softmax;
    trial->phases = 1;
    size_t logits_bytes = (size_t)s->shape.n * (size_t)s->shape.k * sizeof(float);
    size_t batch_bytes = (size_t)(s->first + s->shape.n + ROWS_AFTER) * sizeof(float);
    check_declare(trial, CHECK_x, CHECK_INPUT, CHECK_FORWARD, logits_bytes);
    check_declare(trial, CHECK_labels, CHECK_INPUT, CHECK_FORWARD, batch_bytes);
    if (s->weighted)
        check_declare(trial, CHECK_weights, CHECK_INPUT, CHECK_FORWARD, (size_t)s->shape.k * sizeof(float));
    check_declare(trial, CHECK_losses, CHECK_UPDATED, CHECK_FORWARD, batch_bytes);
    check_declare(trial, CHECK_ranks, CHECK_UPDATED, CHECK_FORWARD, batch_bytes);
    check_declare(trial, CHECK_dx, CHECK_OUTPUT, CHECK_FORWARD, logits_bytes);
    trial->tensors[CHECK_labels].integers = trial->tensors[CHECK_ranks].integers = true;
    check_expect(trial, CHECK_losses, s->shape.k, 1.0);
    check_expect(trial, CHECK_dx, s->shape.k, 0.0);
    return RNCL_OK;
}

/* One label in eight is missing, unless they are mixed. Weights are positive. */
static void softmax_fill(check_trial *trial)
{
    const check_softmax_shape *s = &trial->shape.softmax;
    check_tensor *labels = &trial->tensors[CHECK_labels], *weights = &trial->tensors[CHECK_weights];
    for (size_t i = 0; i < check_tensor_count(labels); i++)
        check_tensor_set(labels, i,
                         s->mix == 0.0f && check_once_in(&trial->random, 8)
                             ? RNCL_NO_LABEL
                             : check_between(&trial->random, 0, s->shape.k - 1));
    for (size_t i = 0; s->weighted && i < check_tensor_count(weights); i++)
        check_tensor_set(weights, i, 0.1 + fabs(weights->reference[i]));
}

/* Classes that come before the label's. */
static int rank_of(const double *logits, int classes, int label)
{
    int rank = 0;
    for (int i = 0; i < classes; i++)
        rank += logits[i] > logits[label] || (logits[i] == logits[label] && i < label);
    return rank;
}

/* Row by row, which gives each row's loss. */
static void softmax_reference(check_trial *trial)
{
    const check_softmax_shape *s = &trial->shape.softmax;
    check_tensor *t = trial->tensors;
    const rncl_softmax_shape row_shape = {.n = 1, .k = s->shape.k};
    for (int row = 0; row < s->shape.n; row++) {
        int at = s->first + row;
        size_t offset = (size_t)row * (size_t)s->shape.k;
        const double *logits = t[CHECK_x].reference + offset;
        int32_t label = (int32_t)t[CHECK_labels].reference[at];
        int32_t partner = (int32_t)t[CHECK_labels].reference[s->first + s->shape.n - 1 - row];
        const rncl_reference_targets targets = {.labels = &label,
                                                .partners = &partner,
                                                .mix = (double)s->mix,
                                                .weights = t[CHECK_weights].reference,
                                                .label_smoothing = (double)s->smoothing};
        rncl_reference_loss loss;
        rncl_reference_softmax(&row_shape, logits, &targets, (double)s->scale, &loss,
                               t[CHECK_dx].reference + offset);
        t[CHECK_losses].reference[at] = loss.loss;
        t[CHECK_ranks].reference[at] =
            loss.counted ? rank_of(logits, s->shape.k, s->mix > 0.5f ? partner : label) : -1;
    }
}

static rncl_status softmax_launch(check_trial *trial, check_phase phase)
{
    (void)phase;
    check_tensor *t = trial->tensors;
    return rncl_softmax_enqueue(trial->subject, &(rncl_softmax_buffers){
                                                    .logits = t[CHECK_x].buffer,
                                                    .labels = t[CHECK_labels].buffer,
                                                    .weights = t[CHECK_weights].buffer,
                                                    .losses = t[CHECK_losses].buffer,
                                                    .ranks = t[CHECK_ranks].buffer,
                                                    .dlogits = t[CHECK_dx].buffer,
                                                    .first = trial->shape.softmax.first,
                                                    .smoothing = trial->shape.softmax.smoothing,
                                                    .mix = trial->shape.softmax.mix,
                                                    .scale = trial->shape.softmax.scale,
                                                });
}

static void softmax_destroy(check_trial *trial)
{
    rncl_softmax_destroy(trial->subject);
}

const check_operation check_softmax = {
    .name = "softmax",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = softmax_draw,
    .work = softmax_work,
    .describe = softmax_describe,
    .create = softmax_create,
    .fill = softmax_fill,
    .reference = softmax_reference,
    .launch = softmax_launch,
    .destroy = softmax_destroy,
};
