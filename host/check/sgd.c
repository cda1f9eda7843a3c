/* Stochastic gradient descent. */
#include "sgd.h"

#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

static const check_shape fixed[] = {
    {.sgd = {.count = 4096, .lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
    {.sgd = {.count = 4097, .lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
    {.sgd = {.count = 64, .lr = 1.0f}},
    {.sgd = {.count = 1024, .first = 128, .lr = 0.1f, .momentum = 0.9f, .weight_decay = 1e-4f}},
};

static const check_variant variants[] = {{.name = "normal"}};

static void sgd_draw(rncl_random *random, check_shape *shape)
{
    const int count = check_channels(random) * check_between(random, 1, 100);
    shape->sgd = (check_sgd_shape){
        .count = (size_t)count,
        .first = check_once_in(random, 2) ? 0 : 16 * (size_t)check_between(random, 0, (count - 1) / 16),
        .lr = rncl_random_uniform(random),
        .momentum = check_once_in(random, 4) ? 0.0f : rncl_random_uniform(random),
        .weight_decay = check_once_in(random, 4) ? 0.0f : 0.1f * rncl_random_uniform(random),
    };
}

static double sgd_work(const check_shape *shape)
{
    return (double)shape->sgd.count;
}

static void sgd_describe(const check_shape *shape, char *text, size_t size)
{
    const check_sgd_shape *s = &shape->sgd;
    snprintf(text, size, "%zu from %zu lr %.3f momentum %.3f weight decay %.4f", s->count, s->first,
             (double)s->lr, (double)s->momentum, (double)s->weight_decay);
}

static rncl_status sgd_create(check_trial *trial)
{
    rncl_sgd *sgd;
    check_op_draw_knobs(trial);
    RNCL_TRY(rncl_sgd_create(trial->context, trial->shape.sgd.count, &trial->tuned, &sgd));
    trial->subject = sgd;
    trial->phases = 1;
    size_t bytes = trial->shape.sgd.count * sizeof(float);
    check_declare(trial, CHECK_dweight, CHECK_INPUT, CHECK_FORWARD, bytes);
    check_declare(trial, CHECK_velocity, CHECK_UPDATED, CHECK_FORWARD, bytes);
    check_declare(trial, CHECK_weight, CHECK_UPDATED, CHECK_FORWARD, bytes);
    check_expect(trial, CHECK_velocity, 1.0, 1.0);
    check_expect(trial, CHECK_weight, 1.0, 1.0);
    return RNCL_OK;
}

static void sgd_reference(check_trial *trial)
{
    const check_sgd_shape *s = &trial->shape.sgd;
    check_tensor *t = trial->tensors;
    rncl_reference_sgd(s->count - s->first, (double)s->lr, (double)s->momentum, (double)s->weight_decay,
                       t[CHECK_dweight].reference + s->first, t[CHECK_velocity].reference + s->first,
                       t[CHECK_weight].reference + s->first);
}

static rncl_status sgd_launch(check_trial *trial, check_phase phase)
{
    (void)phase;
    const check_sgd_shape *s = &trial->shape.sgd;
    check_tensor *t = trial->tensors;
    return rncl_sgd_enqueue(trial->subject, &(rncl_sgd_step){
                                                .lr = s->lr,
                                                .momentum = s->momentum,
                                                .weight_decay = s->weight_decay,
                                                .gradient = t[CHECK_dweight].buffer,
                                                .velocity = t[CHECK_velocity].buffer,
                                                .weight = t[CHECK_weight].buffer,
                                                .first = s->first,
                                                .count = s->count - s->first,
                                            });
}

static void sgd_destroy(check_trial *trial)
{
    rncl_sgd_destroy(trial->subject);
}

const check_operation check_sgd = {
    .name = "sgd",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = sgd_draw,
    .work = sgd_work,
    .describe = sgd_describe,
    .create = sgd_create,
    .reference = sgd_reference,
    .launch = sgd_launch,
    .destroy = sgd_destroy,
};
