/* Batch normalisation, fused with the addition and ReLU that follow it (kernels/batchnorm.cl): y =
 * act(bn(x) + residual). Forward reads x, residual, weight and bias, writes y and moves the running
 * statistics; `saved` keeps mean and inverse deviation of each channel for backward. Without
 * RNCL_OP_TRAINING, or frozen, it uses the running statistics and does not change them. */
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "util.h"

#define KNOBS(X)                                                                                             \
    X(VW, "vw", "VW")         /* floats a vector */                                                          \
    X(ITEMS, "items", NULL)   /* work-items a group, along the channels */                                   \
    X(GROUPS, "groups", NULL) /* work-groups over rows */
RNCL_DECLARE_KNOBS(KNOBS)

enum { MOST_KERNELS = 4 };

/* Kernels of a pass, in the order of kernel_names. */
enum { STATISTICS, MOMENTS, RUNNING, APPLY };
enum { GRADIENT_SUMS, GRADIENT_MOMENTS, GRADIENT, RESIDUAL_PAD };

static const char *const kernel_names[][MOST_KERNELS] = {
    [RNCL_OP_FORWARD] = {[STATISTICS] = "batchnorm_statistics",
                         [MOMENTS] = "batchnorm_moments",
                         [RUNNING] = "batchnorm_running",
                         [APPLY] = "batchnorm_apply"},
    [RNCL_OP_BACKWARD] = {[GRADIENT_SUMS] = "batchnorm_gradient_sums",
                          [GRADIENT_MOMENTS] = "batchnorm_gradient_moments",
                          [GRADIENT] = "batchnorm_gradient",
                          [RESIDUAL_PAD] = "batchnorm_residual_pad"},
};

typedef struct batchnorm_data {
    rncl_kernel kernels[MOST_KERNELS];
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

static rncl_status batchnorm_shape(const rncl_op_desc *desc, const rncl_op_choice *choice,
                                   rncl_op_needs *needs)
{
    const rncl_batchnorm_shape *s = &desc->batchnorm;
    (void)choice;
    if (!sizes_fit(s))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "batch normalisation of %dx%dx%dx%d with residual %dx%dx%d", s->n,
                         s->h, s->w, s->c, s->residual_h, s->residual_w, s->residual_c);
    needs->saved_bytes = 2 * (size_t)s->c * sizeof(float);
    needs->backward_reads_x = true;
    needs->backward_reads_y = s->relu && s->residual != RNCL_RESIDUAL_NONE;
    needs->dx_may_be_x = true;
    return RNCL_OK;
}

/* A vector width must divide the channels of x and of a padded residual. A power of two divides both
 * exactly if it divides their bitwise or. On a GPU neighbouring work-items take neighbouring channels. */
static void batchnorm_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const rncl_device_info *info = &pass->context->info;
    const bool gpu = pass->context->device_class != RNCL_CLASS_CPU_VECTOR;
    const int rows = s->n * s->h * s->w, units = (int)info->compute_units;
    const int most_items = MIN(s->c, (int)MIN(info->max_work_group_size, (size_t)256));
    rncl_elementwise_add_width(pass->context, knob_names[VW],
                               s->residual == RNCL_RESIDUAL_PAD ? s->c | s->residual_c : s->c, knobs);
    rncl_knobs_add_doubling(knobs, knob_names[ITEMS], gpu ? most_items : 1, 1, most_items);
    rncl_knobs_add_doubling(knobs, knob_names[GROUPS], MIN(rows, units * (gpu ? 16 : 8)), units,
                            MIN(rows, 64 * units));
}

/* Every work-item has at least one vector. */
static bool batchnorm_allows(const rncl_pass *pass)
{
    return pass->values[ITEMS] <= rncl_ceil_div(pass->desc.batchnorm.c, pass->values[VW]);
}

static rncl_status batchnorm_plan(rncl_pass *pass)
{
    pass->data = calloc(1, sizeof(batchnorm_data));
    pass->workspace_bytes = rncl_op_statistics_bytes(pass->values[GROUPS], pass->desc.batchnorm.c);
    return pass->data ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a batch normalisation");
}

static rncl_status batchnorm_build(rncl_pass *pass)
{
    batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DRELU=%d -DRESIDUAL=%d", s->relu, s->residual);
    for (size_t i = 0; i < MOST_KERNELS; i++)
        RNCL_TRY(
            rncl_pass_kernel(pass, "batchnorm", options, kernel_names[pass->index][i], &data->kernels[i]));
    return RNCL_OK;
}

/* One work-group for each range of rows. */
static rncl_range row_range(const rncl_pass *pass)
{
    const size_t items = (size_t)pass->values[ITEMS];
    return (rncl_range){.global = {items, (size_t)pass->values[GROUPS]}, .local = {items, 1, 1}};
}

/* One work-item for each vector of channels. */
static rncl_range channel_range(const rncl_pass *pass)
{
    const size_t vectors = (size_t)(pass->desc.batchnorm.c / pass->values[VW]),
                 items = MIN((size_t)pass->values[ITEMS], 16);
    return (rncl_range){.global = {rncl_round_up(vectors, items)}, .local = {items, 1, 1}};
}

/* Mean and variance of the batch, from partial statistics. */
static rncl_status join_statistics(rncl_pass *pass, const rncl_op_buffers *b)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const int given = pass->choice.statistics_parts;
    const cl_mem *statistics = given ? &b->statistics : &b->workspace;
    if (!given)
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[STATISTICS], row_range(pass), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->x), RNCL_BUFFER(b->workspace)));
    return rncl_launch(pass->context, &data->kernels[MOMENTS], channel_range(pass), RNCL_STRUCT(*s),
                       RNCL_INT(given ? given : pass->values[GROUPS]), RNCL_BUFFER(*statistics),
                       RNCL_BUFFER(b->saved), RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance));
}

static rncl_status batchnorm_forward(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    if (scalars->flags & RNCL_OP_TRAINING && !pass->choice.frozen) {
        RNCL_TRY(join_statistics(pass, b));
    } else {
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[RUNNING], channel_range(pass), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance),
                             RNCL_BUFFER(b->saved)));
    }
    return rncl_launch(pass->context, &data->kernels[APPLY], row_range(pass), RNCL_STRUCT(*s),
                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->residual), RNCL_BUFFER(b->saved),
                       RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->y));
}

/* Writes dweight and dbias, and into the workspace the means of dz and dz * xhat, which dx needs because
 * batch statistics depend on x. */
static rncl_status sum_gradients(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    RNCL_TRY(rncl_launch(pass->context, &data->kernels[GRADIENT_SUMS], row_range(pass), RNCL_STRUCT(*s),
                         RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                         RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->workspace),
                         RNCL_BUFFER(b->dresidual)));
    return rncl_launch(pass->context, &data->kernels[GRADIENT_MOMENTS], channel_range(pass), RNCL_STRUCT(*s),
                       RNCL_INT(pass->values[GROUPS]), RNCL_BUFFER(b->workspace), RNCL_BUFFER(b->dweight),
                       RNCL_BUFFER(b->dbias), RNCL_INT((scalars->flags & RNCL_OP_ACCUMULATE_PARAMS) != 0));
}

static rncl_status batchnorm_backward(rncl_pass *pass, const rncl_op_buffers *b,
                                      const rncl_op_scalars *scalars)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    if (s->residual == RNCL_RESIDUAL_PAD && b->dresidual) {
        const size_t values =
            (size_t)s->n * (size_t)s->residual_h * (size_t)s->residual_w * (size_t)s->residual_c;
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[RESIDUAL_PAD],
                             rncl_elementwise_range(pass->context, values, pass->values[VW]), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->dresidual)));
    }
    /* Frozen: running statistics do not depend on x, and no parameter has a gradient. */
    if (!pass->choice.frozen)
        RNCL_TRY(sum_gradients(pass, b, scalars));
    return rncl_launch(pass->context, &data->kernels[GRADIENT], row_range(pass), RNCL_STRUCT(*s),
                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                       RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->workspace),
                       RNCL_BUFFER(b->dx), RNCL_BUFFER(b->dresidual), RNCL_INT(pass->choice.frozen),
                       RNCL_INT((scalars->flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

static rncl_status batchnorm_enqueue(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    return pass->index == RNCL_OP_FORWARD ? batchnorm_forward(pass, b, scalars)
                                          : batchnorm_backward(pass, b, scalars);
}

static void batchnorm_destroy(rncl_pass *pass)
{
    batchnorm_data *data = pass->data;
    for (size_t i = 0; i < MOST_KERNELS; i++)
        rncl_kernel_fini(&data->kernels[i]);
    free(data);
}

static const rncl_row row = {
    .name = "",
    .programs = {"batchnorm"},
    .knobs = batchnorm_knobs,
    .allows = batchnorm_allows,
    .plan = batchnorm_plan,
    .build = batchnorm_build,
    .enqueue = batchnorm_enqueue,
    .destroy = batchnorm_destroy,
};

const rncl_op_type rncl_op_batchnorm = {
    .name = "batchnorm",
    .passes = {{.name = "forward"}, {.name = "backward"}},
    RNCL_OP_ROWS(&row),
    .shape = batchnorm_shape,
};
