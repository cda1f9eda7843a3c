/* Exponential moving averages: updating, then changing places. */
#include "ema.h"

#include <stdio.h>

#include "draw.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

static const check_shape fixed[] = {
    {.ema = {.count = 4096, .share = 0.001f}},
    {.ema = {.count = 4097, .share = 0.1f}},
    {.ema = {.count = 64, .share = 1.0f}},
};

static const check_variant variants[] = {{.name = "update"}, {.name = "exchange", .exchange = true}};

static void ema_draw(rncl_random *random, check_shape *shape)
{
    shape->ema = (check_ema_shape){
        .count = (size_t)(check_channels(random) * check_between(random, 1, 100)),
        .share = check_once_in(random, 4) ? 1.0f : rncl_random_uniform(random),
    };
}

static double ema_work(const check_shape *shape)
{
    return (double)shape->ema.count;
}

static void ema_describe(const check_shape *shape, char *text, size_t size)
{
    snprintf(text, size, "%zu share %.4f", shape->ema.count, (double)shape->ema.share);
}

static rncl_status ema_create(check_trial *trial)
{
    rncl_ema *ema;
    RNCL_TRY(rncl_ema_create(trial->context, trial->shape.ema.count, &ema));
    trial->subject = ema;
    trial->phases = 1;
    size_t bytes = trial->shape.ema.count * sizeof(float);
    check_role value = trial->variant->exchange ? CHECK_UPDATED : CHECK_INPUT;
    check_declare(trial, CHECK_weight, value, CHECK_FORWARD, bytes);
    check_declare(trial, CHECK_average, CHECK_UPDATED, CHECK_FORWARD, bytes);
    check_expect(trial, CHECK_average, 1.0, 1.0);
    return RNCL_OK;
}

static void ema_reference(check_trial *trial)
{
    const check_ema_shape *s = &trial->shape.ema;
    double *value = trial->tensors[CHECK_weight].reference;
    double *average = trial->tensors[CHECK_average].reference;
    if (!trial->variant->exchange) {
        rncl_reference_ema(s->count, (double)s->share, value, average);
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        const double old = average[i];
        average[i] = value[i];
        value[i] = old;
    }
}

static rncl_status ema_launch(check_trial *trial, check_phase phase)
{
    (void)phase;
    check_tensor *t = trial->tensors;
    if (trial->variant->exchange)
        return rncl_ema_exchange(trial->subject, t[CHECK_weight].buffer, t[CHECK_average].buffer);
    return rncl_ema_enqueue(trial->subject, trial->shape.ema.share, t[CHECK_weight].buffer,
                            t[CHECK_average].buffer);
}

static void ema_destroy(check_trial *trial)
{
    rncl_ema_destroy(trial->subject);
}

const check_operation check_ema = {
    .name = "ema",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = ema_draw,
    .work = ema_work,
    .describe = ema_describe,
    .create = ema_create,
    .reference = ema_reference,
    .launch = ema_launch,
    .destroy = ema_destroy,
};
