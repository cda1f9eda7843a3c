/* Batch normalisation with what follows it (kernels/batchnorm.cl). */
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"
#include "tunable.h"
#include "util.h"

/* How a pass goes over its rows. */
typedef struct batchnorm_frame {
    int vw;     /* floats a vector */
    int items;  /* work-items a group, along the channels */
    int groups; /* stretches of rows */
} batchnorm_frame;

/* The order of the knobs. */
enum { VW, ITEMS, GROUPS };

typedef struct batchnorm_data {
    batchnorm_frame frames[RNCL_OP_PASSES];
    rncl_kernel statistics, moments, running, apply, gradient_sums, gradient_moments, gradient, residual_pad;
} batchnorm_data;

static bool sizes_fit(const rncl_batchnorm_shape *s)
{
    if (s->n <= 0 || s->h <= 0 || s->w <= 0 || s->c <= 0)
        return false;
    if (s->residual != RNCL_RESIDUAL_PAD)
        return true;
    return s->residual_stride > 0 && s->residual_c > 0 && s->residual_c <= s->c &&
           (s->residual_h - 1) / s->residual_stride + 1 == s->h &&
           (s->residual_w - 1) / s->residual_stride + 1 == s->w;
}

/* Vectors are of channels of x and of a padded residual alike: powers of two that divide both divide their
 * bitwise or. A GPU fills its lanes with neighbouring channels. */
static void batchnorm_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    const rncl_batchnorm_shape *s = &t->desc.batchnorm;
    const rncl_device_info *info = &t->context->info;
    const bool gpu = t->context->device_class != RNCL_CLASS_CPU_VECTOR;
    const int rows = s->n * s->h * s->w, units = (int)info->compute_units;
    const int most_items = MIN(s->c, (int)MIN(info->max_work_group_size, (size_t)256));
    rncl_elementwise_add_width(t->context, s->residual == RNCL_RESIDUAL_PAD ? s->c | s->residual_c : s->c,
                               knobs);
    rncl_knobs_add_doubling(knobs, "items", gpu ? most_items : 1, 1, most_items);
    rncl_knobs_add_doubling(knobs, "groups", MIN(rows, units * (gpu ? 16 : 8)), units, MIN(rows, 64 * units));
}

/* No work-item without a vector. */
static bool batchnorm_allows(const rncl_tunable *t)
{
    return t->values[ITEMS] <= rncl_ceil_div(t->desc.batchnorm.c, t->values[VW]);
}

static void plan_frames(rncl_op *op, batchnorm_data *data)
{
    for (int pass = RNCL_OP_FORWARD; pass <= RNCL_OP_BACKWARD; pass++) {
        int values[RNCL_KNOBS];
        if (!rncl_op_wants(op, pass))
            continue;
        rncl_tunable_plan(op, pass, values);
        data->frames[pass] =
            (batchnorm_frame){.vw = values[VW], .items = values[ITEMS], .groups = values[GROUPS]};
    }
}

static rncl_status batchnorm_plan(rncl_op *op)
{
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    if (!sizes_fit(s))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "batch normalisation of %dx%dx%dx%d with residual %dx%dx%d", s->n,
                         s->h, s->w, s->c, s->residual_h, s->residual_w, s->residual_c);
    batchnorm_data *data = op->plan_data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a batch normalisation");
    plan_frames(op, data);
    const int most_groups = MAX(data->frames[RNCL_OP_FORWARD].groups, data->frames[RNCL_OP_BACKWARD].groups);
    size_t channels = (size_t)s->c;
    op->needs = (rncl_op_needs){
        .x = {s->n, s->h, s->w, s->c},
        .y = {s->n, s->h, s->w, s->c},
        .weight = channels,
        .bias = channels,
        .running = channels,
        .saved_bytes = 2 * channels * sizeof(float),
        .workspace_bytes = rncl_op_statistics_bytes(most_groups, s->c),
        .backward_reads_x = true,
        .backward_reads_y = s->relu && s->residual != RNCL_RESIDUAL_NONE,
        .dx_may_be_x = true,
    };
    if (s->residual == RNCL_RESIDUAL_ADD)
        op->needs.residual = op->needs.x;
    if (s->residual == RNCL_RESIDUAL_PAD)
        op->needs.residual = (rncl_shape){s->n, s->residual_h, s->residual_w, s->residual_c};
    return RNCL_OK;
}

static rncl_status batchnorm_build(rncl_op *op)
{
    batchnorm_data *data = op->plan_data;
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    const struct {
        const char *name;
        int pass;
        rncl_kernel *kernel;
    } kernels[] = {
        {"batchnorm_statistics", RNCL_OP_FORWARD, &data->statistics},
        {"batchnorm_moments", RNCL_OP_FORWARD, &data->moments},
        {"batchnorm_running", RNCL_OP_FORWARD, &data->running},
        {"batchnorm_apply", RNCL_OP_FORWARD, &data->apply},
        {"batchnorm_gradient_sums", RNCL_OP_BACKWARD, &data->gradient_sums},
        {"batchnorm_gradient_moments", RNCL_OP_BACKWARD, &data->gradient_moments},
        {"batchnorm_gradient", RNCL_OP_BACKWARD, &data->gradient},
        {"batchnorm_residual_pad", RNCL_OP_BACKWARD, &data->residual_pad},
    };
    for (size_t i = 0; i < COUNT(kernels); i++) {
        char options[64];
        if (!rncl_op_wants(op, kernels[i].pass))
            continue;
        snprintf(options, sizeof options, "-DVW=%d -DRELU=%d -DRESIDUAL=%d", data->frames[kernels[i].pass].vw,
                 s->relu, s->residual);
        RNCL_TRY(rncl_kernel_create(op->context, "batchnorm", options, kernels[i].name, kernels[i].kernel));
    }
    return RNCL_OK;
}

/* Work-groups over stretches of rows. */
static rncl_range row_range(const batchnorm_frame *frame)
{
    return (rncl_range){.global = {(size_t)frame->items, (size_t)frame->groups},
                        .local = {(size_t)frame->items, 1, 1}};
}

/* A work-item for each vector of channels. */
static rncl_range channel_range(const rncl_op *op, const batchnorm_frame *frame)
{
    const size_t vectors = (size_t)(op->desc.batchnorm.c / frame->vw), items = MIN((size_t)frame->items, 16);
    return (rncl_range){.global = {rncl_round_up(vectors, items)}, .local = {items, 1, 1}};
}

/* Moments of the batch. */
static rncl_status join_statistics(rncl_op *op, const rncl_op_buffers *b)
{
    const batchnorm_data *data = op->plan_data;
    const batchnorm_frame *frame = &data->frames[RNCL_OP_FORWARD];
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    const int given = op->choice.statistics_parts;
    const cl_mem *statistics = given ? &b->statistics : &b->workspace;
    if (!given)
        RNCL_TRY(rncl_launch(op->context, &data->statistics, row_range(frame), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->x), RNCL_BUFFER(b->workspace)));
    return rncl_launch(op->context, &data->moments, channel_range(op, frame), RNCL_STRUCT(*s),
                       RNCL_INT(given ? given : frame->groups), RNCL_BUFFER(*statistics),
                       RNCL_BUFFER(b->saved), RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance));
}

static rncl_status batchnorm_forward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const batchnorm_data *data = op->plan_data;
    const batchnorm_frame *frame = &data->frames[RNCL_OP_FORWARD];
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    if ((flags & RNCL_OP_TRAINING) && !op->choice.frozen) {
        RNCL_TRY(join_statistics(op, b));
    } else {
        RNCL_TRY(rncl_launch(op->context, &data->running, channel_range(op, frame), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance),
                             RNCL_BUFFER(b->saved)));
    }
    return rncl_launch(op->context, &data->apply, row_range(frame), RNCL_STRUCT(*s), RNCL_BUFFER(b->x),
                       RNCL_BUFFER(b->residual), RNCL_BUFFER(b->saved), RNCL_BUFFER(b->weight),
                       RNCL_BUFFER(b->bias), RNCL_BUFFER(b->y));
}

/* dweight and dbias, and in the workspace the means of dz and dz * xhat, which dx needs because batch
 * statistics depend on x. */
static rncl_status sum_gradients(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const batchnorm_data *data = op->plan_data;
    const batchnorm_frame *frame = &data->frames[RNCL_OP_BACKWARD];
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    RNCL_TRY(rncl_launch(op->context, &data->gradient_sums, row_range(frame), RNCL_STRUCT(*s),
                         RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                         RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->workspace),
                         RNCL_BUFFER(b->dresidual)));
    return rncl_launch(op->context, &data->gradient_moments, channel_range(op, frame), RNCL_STRUCT(*s),
                       RNCL_INT(frame->groups), RNCL_BUFFER(b->workspace), RNCL_BUFFER(b->dweight),
                       RNCL_BUFFER(b->dbias), RNCL_INT((flags & RNCL_OP_ACCUMULATE_PARAMS) != 0));
}

static rncl_status batchnorm_backward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const batchnorm_data *data = op->plan_data;
    const batchnorm_frame *frame = &data->frames[RNCL_OP_BACKWARD];
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    if (s->residual == RNCL_RESIDUAL_PAD && b->dresidual) {
        size_t vectors = rncl_shape_count(op->needs.residual) / (size_t)frame->vw;
        rncl_range range = {.global = {rncl_round_up(vectors, 64)}, .local = {64, 1, 1}};
        RNCL_TRY(rncl_launch(op->context, &data->residual_pad, range, RNCL_STRUCT(*s), RNCL_BUFFER(b->y),
                             RNCL_BUFFER(b->dy), RNCL_BUFFER(b->dresidual)));
    }
    /* Running statistics do not depend on x, and frozen parameters want no gradients. */
    if (!op->choice.frozen)
        RNCL_TRY(sum_gradients(op, b, flags));
    return rncl_launch(op->context, &data->gradient, row_range(frame), RNCL_STRUCT(*s), RNCL_BUFFER(b->x),
                       RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved), RNCL_BUFFER(b->weight),
                       RNCL_BUFFER(b->bias), RNCL_BUFFER(b->workspace), RNCL_BUFFER(b->dx),
                       RNCL_BUFFER(b->dresidual), RNCL_INT(op->choice.frozen),
                       RNCL_INT((flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

static void batchnorm_destroy(rncl_op *op)
{
    batchnorm_data *data = op->plan_data;
    if (!data)
        return;
    rncl_kernel *const kernels[] = {&data->statistics, &data->moments,       &data->running,
                                    &data->apply,      &data->gradient_sums, &data->gradient_moments,
                                    &data->gradient,   &data->residual_pad};
    for (size_t i = 0; i < COUNT(kernels); i++)
        rncl_kernel_fini(kernels[i]);
    free(data);
}

const rncl_op_type rncl_op_batchnorm = {
    .name = "batchnorm",
    .plan = batchnorm_plan,
    .build = batchnorm_build,
    .forward = batchnorm_forward,
    .backward = batchnorm_backward,
    .destroy = batchnorm_destroy,
    .passes = {{.name = "forward"}, {.name = "backward"}},
    .kernels = "batchnorm statistics",
    .knobs = batchnorm_knobs,
    .allows = batchnorm_allows,
};
