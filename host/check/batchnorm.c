/* Batch normalisation with residual and ReLU. */
#include <math.h>
#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

/* Batch, height, width, channels, ReLU, residual and its height, width, channels and stride. */
#define SHAPE(...)                                                                                           \
    {                                                                                                        \
        .op = {.kind = RNCL_OP_batchnorm, .batchnorm = {__VA_ARGS__} }                                       \
    }

static const check_shape fixed[] = {
    SHAPE(2, 16, 16, 64, 1, RNCL_RESIDUAL_NONE, 0, 0, 0, 0),
    SHAPE(4, 8, 8, 32, 0, RNCL_RESIDUAL_NONE, 0, 0, 0, 0),   /* of a projection */
    SHAPE(4, 8, 8, 64, 1, RNCL_RESIDUAL_ADD, 0, 0, 0, 0),    /* the end of a block */
    SHAPE(2, 8, 8, 32, 1, RNCL_RESIDUAL_PAD, 16, 16, 16, 2), /* shortcut A where the image halves */
    SHAPE(2, 7, 7, 256, 1, RNCL_RESIDUAL_ADD, 0, 0, 0, 0),
};

static const check_variant variants[] = {
    {.name = "training"},
    {.name = "training, dresidual in dy, accumulated",
     .in_place = true,
     .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "inference", .inference = true},
    {.name = "training, accumulated", .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "training, dresidual in dy, dx in x", .in_place = true},
    {.name = "frozen", .frozen = true},
    {.name = "frozen, dresidual in dy, dx in x", .frozen = true, .in_place = true},
    {.name = "frozen, dresidual in dy, accumulated",
     .frozen = true,
     .in_place = true,
     .flags = RNCL_OP_ACCUMULATE_DX},
};

static void draw_residual(rncl_random *random, rncl_batchnorm_shape *s)
{
    s->residual = CHECK_PICK(random, RNCL_RESIDUAL_NONE, RNCL_RESIDUAL_ADD, RNCL_RESIDUAL_PAD);
    if (s->residual != RNCL_RESIDUAL_PAD)
        return;
    s->residual_stride = check_between(random, 1, 3);
    s->residual_h = (s->h - 1) * s->residual_stride + check_between(random, 1, s->residual_stride);
    s->residual_w = (s->w - 1) * s->residual_stride + check_between(random, 1, s->residual_stride);
    s->residual_c = check_once_in(random, 2) ? rncl_ceil_div(s->c, 2) : check_between(random, 1, s->c);
}

static void batchnorm_draw(rncl_random *random, check_shape *shape)
{
    rncl_batchnorm_shape s = {
        .n = check_between(random, 1, 8),
        .h = check_extent(random),
        .w = check_extent(random),
        .c = check_channels(random),
        .relu = check_between(random, 0, 1),
    };
    /* Of two rows every gradient is zero but for epsilon: rounding errors are all that there is to compare.
     */
    if (s.n * s.h * s.w == 2)
        s.n = 3;
    draw_residual(random, &s);
    shape->op = (rncl_op_desc){.kind = RNCL_OP_batchnorm, .batchnorm = s};
}

static double batchnorm_work(const check_shape *shape)
{
    const rncl_batchnorm_shape *s = &shape->op.batchnorm;
    double residual = (double)s->n * s->residual_h * s->residual_w * s->residual_c;
    return MAX((double)s->n * s->h * s->w * s->c, residual);
}

static void batchnorm_describe(const check_shape *shape, char *text, size_t size)
{
    const rncl_batchnorm_shape *s = &shape->op.batchnorm;
    int length = snprintf(text, size, "%dx%dx%dx%d", s->n, s->h, s->w, s->c);
    if (s->residual == RNCL_RESIDUAL_ADD)
        length += snprintf(text + length, size - (size_t)length, " + residual");
    if (s->residual == RNCL_RESIDUAL_PAD)
        length += snprintf(text + length, size - (size_t)length, " + %dx%dx%d stride %d", s->residual_h,
                           s->residual_w, s->residual_c, s->residual_stride);
    if (s->relu)
        snprintf(text + length, size - (size_t)length, " + relu");
}

static rncl_status batchnorm_create(check_trial *trial)
{
    check_op_draw_knobs(trial);
    RNCL_TRY(check_op_create(trial));
    const rncl_batchnorm_shape *s = &trial->shape.op.batchnorm;
    double rows = (double)s->n * s->h * s->w;
    check_expect(trial, CHECK_y, trial->variant->inference ? 1.0 : rows, 1.0);
    check_expect(trial, CHECK_running_mean, rows, 1.0);
    check_expect(trial, CHECK_running_variance, rows, 1.0);
    check_expect(trial, CHECK_dx, rows, 1.0);
    check_expect(trial, CHECK_dweight, rows, sqrt(rows));
    check_expect(trial, CHECK_dbias, rows, sqrt(rows));
    return RNCL_OK;
}

static rncl_reference_batchnorm bind(const check_trial *trial)
{
    const check_tensor *t = trial->tensors;
    return (rncl_reference_batchnorm){
        .x = t[CHECK_x].reference,
        .residual = t[CHECK_residual].reference,
        .weight = t[CHECK_weight].reference,
        .bias = t[CHECK_bias].reference,
        .running_mean = t[CHECK_running_mean].reference,
        .running_variance = t[CHECK_running_variance].reference,
        .y = t[CHECK_y].reference,
        .dy = t[CHECK_dy].reference,
        .dx = t[CHECK_dx].reference,
        .dresidual = t[CHECK_dresidual].reference,
        .dweight = t[CHECK_dweight].reference,
        .dbias = t[CHECK_dbias].reference,
    };
}

/* Within rounding of its kink, ReLU's derivative is 0 or 1 at random: no gradient comes in there. */
static void clear_kinks(check_trial *trial)
{
    check_tensor *y = &trial->tensors[CHECK_y], *dy = &trial->tensors[CHECK_dy];
    rncl_batchnorm_shape without_relu = trial->shape.op.batchnorm;
    without_relu.relu = 0;
    rncl_reference_batchnorm reference = bind(trial);
    if (!trial->variant->frozen)
        reference.running_mean = reference.running_variance = NULL;
    rncl_reference_batchnorm_forward(&without_relu, &reference, !trial->variant->frozen);
    for (size_t i = 0; i < check_tensor_count(dy); i++)
        if (fabs(y->reference[i]) < 1e-4)
            check_tensor_set(dy, i, 0.0);
}

/* Channels of different means and spreads, rows on either side of the mean in turn: the few rows of a small
 * shape must not lie so near each other by chance that normalising them leaves no digits. Variances above
 * zero. */
static void batchnorm_fill(check_trial *trial)
{
    check_tensor *x = &trial->tensors[CHECK_x], *variance = &trial->tensors[CHECK_running_variance];
    size_t channels = (size_t)trial->shape.op.batchnorm.c;
    for (size_t i = 0; i < check_tensor_count(x); i++) {
        size_t row = i / channels, channel = i % channels;
        double mean = 0.5 * (double)(channel % 5) - 1.0, spread = 1.0 + 0.5 * (double)(channel % 3);
        double distance = 0.5 + fabs(x->reference[i]);
        check_tensor_set(x, i, mean + spread * (row % 2 ? distance : -distance));
    }
    for (size_t i = 0; i < channels; i++)
        check_tensor_set(variance, i, 0.1 + variance->reference[i] * variance->reference[i]);
    if (trial->shape.op.batchnorm.relu && !trial->variant->inference)
        clear_kinks(trial);
}

static void batchnorm_reference(check_trial *trial)
{
    const rncl_batchnorm_shape *s = &trial->shape.op.batchnorm;
    rncl_reference_batchnorm reference = bind(trial);
    const bool training = !trial->variant->inference && !trial->variant->frozen;
    rncl_reference_batchnorm_forward(s, &reference, training);
    if (!trial->variant->inference)
        rncl_reference_batchnorm_backward(s, &reference, training);
}

const check_operation check_batchnorm = {
    .name = "batchnorm",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = batchnorm_draw,
    .work = batchnorm_work,
    .describe = batchnorm_describe,
    .create = batchnorm_create,
    .fill = batchnorm_fill,
    .reference = batchnorm_reference,
    .launch = check_op_launch,
    .destroy = check_op_destroy,
};
