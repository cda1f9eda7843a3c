/* Mixup of pictures. */
#include "mixup.h"

#include <stdio.h>

#include "draw.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

static const check_shape fixed[] = {
    {.mixup = {.n = 8, .floats = 32 * 32 * 3, .mix = 0.3f}},
    {.mixup = {.n = 5, .floats = 28 * 28, .mix = 0.7f}},
    {.mixup = {.n = 1, .floats = 75, .mix = 0.5f}},
};

static const check_variant variants[] = {{.name = "normal"}};

static void mixup_draw(rncl_random *random, check_shape *shape)
{
    shape->mixup = (check_mixup_shape){
        .n = check_between(random, 1, 9),
        .floats = (size_t)(check_channels(random) * check_between(random, 1, 40)),
        .mix = rncl_random_uniform(random),
    };
}

static double mixup_work(const check_shape *shape)
{
    return (double)shape->mixup.n * (double)shape->mixup.floats;
}

static void mixup_describe(const check_shape *shape, char *text, size_t size)
{
    const check_mixup_shape *s = &shape->mixup;
    snprintf(text, size, "%dx%zu mix %.3f", s->n, s->floats, (double)s->mix);
}

static rncl_status mixup_create(check_trial *trial)
{
    const check_mixup_shape *s = &trial->shape.mixup;
    rncl_mixup *mixup;
    RNCL_TRY(rncl_mixup_create(trial->context, s->n, s->floats, &mixup));
    trial->subject = mixup;
    trial->phases = 1;
    check_declare(trial, CHECK_x, CHECK_UPDATED, CHECK_FORWARD, (size_t)s->n * s->floats * sizeof(float));
    check_expect(trial, CHECK_x, 1.0, 1.0);
    return RNCL_OK;
}

static void mixup_reference(check_trial *trial)
{
    const check_mixup_shape *s = &trial->shape.mixup;
    rncl_reference_mixup(s->n, s->floats, (double)s->mix, trial->tensors[CHECK_x].reference);
}

static rncl_status mixup_launch(check_trial *trial, check_phase phase)
{
    (void)phase;
    return rncl_mixup_enqueue(trial->subject, trial->shape.mixup.mix, trial->tensors[CHECK_x].buffer);
}

static void mixup_destroy(check_trial *trial)
{
    rncl_mixup_destroy(trial->subject);
}

const check_operation check_mixup = {
    .name = "mixup",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = mixup_draw,
    .work = mixup_work,
    .describe = mixup_describe,
    .create = mixup_create,
    .reference = mixup_reference,
    .launch = mixup_launch,
    .destroy = mixup_destroy,
};
