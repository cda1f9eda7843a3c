/* Batch normalisation, fused with the addition and ReLU that follow it (kernels/batchnorm.cl): y =
 * act(bn(x) + residual). Forward reads x, residual, weight and bias, writes y and moves the running
 * statistics; `saved` keeps mean and inverse deviation of each channel for backward. Without
 * RNCL_OP_TRAINING, or frozen, it uses the running statistics and does not change them. In the epilogue of a
 * convolution, prepare writes coefficients and forward has nothing to do. */
#include <stdio.h>
#include <stdlib.h>

#include "batchnorm_join.h"
#include "elementwise.h"
#include "util.h"

#define KNOBS(X)                                                                                             \
    X(VW, "vw", "VW")         /* floats a vector */                                                          \
    X(ITEMS, "items", NULL)   /* work-items a group, along the channels */                                   \
    X(GROUPS, "groups", NULL) /* stretches of rows */                                                        \
    X(DOWN, "down", NULL)     /* work-items a group, along the rows; 0: the kernels of batchnorm.cl */
RNCL_DECLARE_KNOBS(KNOBS)

enum { MOST_KERNELS = 5 };

/* Of the kernels in batchnorm_tiled.cl: work-items a group, those of them along the channels, the fewest rows
 * of a stretch, and work-groups for each compute unit, which keep its memory requests in flight. */
enum { TILE_ITEMS = 256, TILE_ACROSS = 16, LEAST_ROWS = 64, GROUPS_A_UNIT = 8 };

/* Kernels of a pass, in the order of kernel_names. */
enum { STATISTICS, MOMENTS, RUNNING, APPLY, COEFFICIENTS };
enum { GRADIENT_SUMS, GRADIENT_MOMENTS, GRADIENT, RESIDUAL_PAD };

static const char *const kernel_names[][MOST_KERNELS] = {
    [RNCL_OP_FORWARD] = {[STATISTICS] = "batchnorm_statistics",
                         [MOMENTS] = "batchnorm_moments",
                         [RUNNING] = "batchnorm_running",
                         [APPLY] = "batchnorm_apply",
                         [COEFFICIENTS] = "batchnorm_coefficients"},
    [RNCL_OP_BACKWARD] = {[GRADIENT_SUMS] = "batchnorm_gradient_sums",
                          [GRADIENT_MOMENTS] = "batchnorm_gradient_moments",
                          [GRADIENT] = "batchnorm_gradient",
                          [RESIDUAL_PAD] = "batchnorm_residual_pad"},
};

typedef struct batchnorm_data {
    rncl_kernel kernels[MOST_KERNELS];
    rncl_batchnorm_join join; /* empty where there is nobody to join with */
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
    if (!sizes_fit(s))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "batch normalisation of %dx%dx%dx%d with residual %dx%dx%d", s->n,
                         s->h, s->w, s->c, s->residual_h, s->residual_w, s->residual_c);
    if (choice->epilogue)
        needs->coefficients_bytes = 3 * (size_t)s->c * sizeof(float);
    else
        needs->saved_bytes = 2 * (size_t)s->c * sizeof(float);
    needs->backward_reads_x = true;
    needs->backward_reads_y = s->relu && s->residual != RNCL_RESIDUAL_NONE;
    needs->dx_may_be_x = true;
    return RNCL_OK;
}

static bool is_tiled(const rncl_pass *pass)
{
    return pass->values[DOWN] > 0;
}

static bool is_joined(const rncl_pass *pass)
{
    return pass->choice.join.join_statistics && !pass->choice.frozen;
}

/* Whether backward reads the signs of y in place of y, a byte a vector. On CPUs a pass may be tuned to
 * kernels that know no signs, while the other is not. */
static bool has_signs(const rncl_pass *pass)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    return pass->context->device_class == RNCL_CLASS_GPU && !pass->choice.epilogue && s->relu &&
           s->residual == RNCL_RESIDUAL_ADD;
}

static size_t signs_bytes(const rncl_pass *pass)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)(s->c / pass->values[VW]);
}

/* Whether the last kernel of backward stores the masked dy for the residual: gradient_sums, which does
 * otherwise, does not run. */
static bool stores_masked(const rncl_pass *pass)
{
    return pass->index == RNCL_OP_BACKWARD && pass->choice.gradient_parts &&
           pass->desc.batchnorm.residual == RNCL_RESIDUAL_ADD && !pass->choice.given_dz;
}

/* Of a batch's statistics. */
static int statistics_parts(const rncl_pass *pass)
{
    const int given = pass->choice.statistics_parts;
    return given ? given : pass->values[GROUPS];
}

static int round_up_to_power(int value)
{
    int power = 1;
    while (power < value)
        power *= 2;
    return power;
}

/* Local memory of a group's two values a channel and its count. */
static size_t tile_bytes(int items, int vw)
{
    return (size_t)items * (2 * (size_t)vw + 1) * sizeof(float);
}

static int tile_items(const rncl_context *context, int vw)
{
    int items = TILE_ITEMS;
    while (items > 1 && ((size_t)items > context->info.max_work_group_size ||
                         tile_bytes(items, vw) > context->info.local_memory))
        items /= 2;
    return items;
}

/* Presets of a GPU. Work-groups share the channels as well as the rows, so that many channels do not make
 * many parts: whatever has been summed is read again. */
static void add_tile_knobs(const rncl_pass *pass, int vw, rncl_knobs *knobs)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const int rows = s->n * s->h * s->w, units = (int)pass->context->info.compute_units;
    const int all = tile_items(pass->context, vw), vectors = s->c / vw;
    const int items = MIN(MIN(round_up_to_power(vectors), TILE_ACROSS), all);
    const int groups = GROUPS_A_UNIT * units / rncl_ceil_div(vectors, items);
    rncl_knobs_add_doubling(knobs, knob_names[ITEMS], items, 1, all);
    rncl_knobs_add_doubling(knobs, knob_names[GROUPS], MAX(1, MIN(groups, rows / LEAST_ROWS)), 1,
                            MIN(rows, 64 * units));
    rncl_knobs_last_is_of_batch(knobs);
    const int down = (int)MIN((size_t)all, pass->context->info.max_work_items[1]);
    rncl_knobs_add_doubling(knobs, knob_names[DOWN], MIN(all / items, down), 1, down);
}

/* CPUs are also offered the kernels of GPUs, which `rncl check` then covers. */
static void add_stretch_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int down[] = {0, TILE_ACROSS};
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const rncl_device_info *info = &pass->context->info;
    const bool wide = pass->context->device_class != RNCL_CLASS_CPU_VECTOR;
    const int rows = s->n * s->h * s->w, units = (int)info->compute_units;
    const int most_items = MIN(s->c, (int)MIN(info->max_work_group_size, (size_t)256));
    rncl_knobs_add_doubling(knobs, knob_names[ITEMS], wide ? most_items : 1, 1, most_items);
    rncl_knobs_add_doubling(knobs, knob_names[GROUPS], MIN(rows, units * (wide ? 16 : 8)), units,
                            MIN(rows, 64 * units));
    rncl_knobs_last_is_of_batch(knobs);
    rncl_knobs_add(knobs, knob_names[DOWN], 0, down, COUNT(down));
}

/* A vector width must divide the channels of x and of a padded residual. A power of two divides both
 * exactly if it divides their bitwise or. */
static void batchnorm_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const int channels = s->residual == RNCL_RESIDUAL_PAD ? s->c | s->residual_c : s->c;
    rncl_elementwise_add_width(pass, knob_names[VW], channels, knobs);
    if (pass->context->device_class == RNCL_CLASS_GPU)
        add_tile_knobs(pass, rncl_elementwise_width(pass, channels), knobs);
    else
        add_stretch_knobs(pass, knobs);
}

/* Every work-item has at least one vector; of a tile every second one. Both passes need the same vectors for
 * signs. */
static bool batchnorm_allows(const rncl_pass *pass)
{
    const int *v = pass->values, vectors = rncl_ceil_div(pass->desc.batchnorm.c, v[VW]);
    if (has_signs(pass) && v[VW] != rncl_elementwise_width(pass, pass->desc.batchnorm.c))
        return false;
    if (!is_tiled(pass))
        return v[ITEMS] <= vectors;
    return v[ITEMS] * v[DOWN] <= tile_items(pass->context, v[VW]) &&
           (size_t)v[DOWN] <= pass->context->info.max_work_items[1] && v[ITEMS] <= round_up_to_power(vectors);
}

static rncl_status batchnorm_plan(rncl_pass *pass)
{
    batchnorm_data *data = pass->data = calloc(1, sizeof(batchnorm_data));
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a batch normalisation");
    if (!pass->choice.epilogue)
        pass->workspace_bytes = rncl_op_statistics_bytes(pass->values[GROUPS], pass->desc.batchnorm.c);
    if (has_signs(pass))
        pass->signs_bytes = signs_bytes(pass);
    return is_joined(pass) ? rncl_batchnorm_join_init(pass, statistics_parts(pass), &data->join) : RNCL_OK;
}

static bool streams_result(const rncl_pass *pass)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const size_t values = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
    return pass->index == RNCL_OP_FORWARD &&
           values * rncl_pass_element_bytes(pass) > pass->context->traits.streamed_bytes;
}

static rncl_status batchnorm_build(rncl_pass *pass)
{
    batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    char options[RNCL_OPTIONS_SIZE];
    const char *program = is_tiled(pass) ? "batchnorm_tiled" : "batchnorm";
    char variant[56] = "";
    if (is_tiled(pass))
        snprintf(variant, sizeof variant, " -DGROUP=%d%s%s", pass->values[ITEMS] * pass->values[DOWN],
                 has_signs(pass) ? " -DSIGNS=1" : "", stores_masked(pass) ? " -DGIVEN_SUMS=1" : "");
    else if (streams_result(pass))
        snprintf(variant, sizeof variant, " -DSTREAMS=1");
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DRELU=%d -DRESIDUAL=%d%s%s", s->relu, s->residual,
                      variant,
                      pass->index == RNCL_OP_BACKWARD && pass->choice.given_dz ? " -DGIVEN_DZ=1" : "");
    for (size_t i = 0; i < MOST_KERNELS; i++) {
        const char *name = kernel_names[pass->index][i];
        const bool pads = pass->index == RNCL_OP_BACKWARD && i == RESIDUAL_PAD;
        const int items =
            pads ? rncl_elementwise_local(pass->context) : pass->values[ITEMS] * MAX(pass->values[DOWN], 1);
        if (!name || (pass->choice.epilogue != 0) != (name == kernel_names[RNCL_OP_FORWARD][COEFFICIENTS]))
            continue;
        RNCL_TRY(rncl_pass_kernel(pass, program, options, name, &data->kernels[i]));
        RNCL_TRY(rncl_kernel_require(pass->context, &data->kernels[i], (size_t)items));
    }
    return RNCL_OK;
}

/* One work-group for each stretch of rows, and in tiles for each ITEMS vectors of channels. */
static rncl_range row_range(const rncl_pass *pass)
{
    const size_t items = (size_t)pass->values[ITEMS], groups = (size_t)pass->values[GROUPS];
    const size_t vectors = (size_t)(pass->desc.batchnorm.c / pass->values[VW]);
    const size_t down = (size_t)MAX(pass->values[DOWN], 1);
    return (rncl_range){.global = {is_tiled(pass) ? rncl_round_up(vectors, items) : items, groups * down},
                        .local = {items, down, 1}};
}

/* One work-item for each vector of channels; in tiles a work-group for each 16 channels. */
static rncl_range channel_range(const rncl_pass *pass)
{
    const int vw = pass->values[VW], all = pass->values[ITEMS] * pass->values[DOWN];
    const size_t vectors = (size_t)(pass->desc.batchnorm.c / vw);
    const size_t across =
        is_tiled(pass) ? (size_t)MIN(MAX(16 / vw, 1), all) : MIN((size_t)pass->values[ITEMS], 16);
    const size_t down = is_tiled(pass) ? (size_t)all / across : 1;
    return (rncl_range){.global = {rncl_round_up(vectors, across), down}, .local = {across, down, 1}};
}

/* One work-item for each vector of channels, without any work for more of them. */
static rncl_range running_range(const rncl_pass *pass)
{
    rncl_range range = channel_range(pass);
    range.global[1] = range.local[1] = 1;
    return range;
}

static rncl_status batchnorm_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const batchnorm_data *data = pass->data;
    return rncl_launch(pass->context, &data->kernels[COEFFICIENTS], running_range(pass),
                       RNCL_STRUCT(pass->desc.batchnorm), RNCL_BUFFER(b->running_mean),
                       RNCL_BUFFER(b->running_variance), RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias),
                       RNCL_BUFFER(b->coefficients));
}

/* Mean and variance of the batch, from partial statistics. */
static rncl_status join_statistics(rncl_pass *pass, const rncl_op_buffers *b)
{
    const batchnorm_data *data = pass->data;
    rncl_batchnorm_shape s = pass->desc.batchnorm;
    const bool given = pass->choice.statistics_parts > 0;
    const cl_mem *statistics = given ? &b->statistics : &b->workspace;
    int parts = statistics_parts(pass);
    if (!given)
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[STATISTICS], row_range(pass), RNCL_STRUCT(s),
                             RNCL_BUFFER(b->x), RNCL_BUFFER(b->workspace)));
    if (is_joined(pass)) { /* the moments are those of a tensor with everybody's rows */
        RNCL_TRY(rncl_batchnorm_join_statistics(pass, &data->join, parts, *statistics, &s.n));
        s.h = s.w = 1;
        parts = 1;
    }
    return rncl_launch(pass->context, &data->kernels[MOMENTS], channel_range(pass), RNCL_STRUCT(s),
                       RNCL_INT(parts), RNCL_BUFFER(*statistics), RNCL_BUFFER(b->saved),
                       RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance));
}

static rncl_status batchnorm_forward(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    if (pass->choice.epilogue)
        return RNCL_OK;
    if (scalars->flags & RNCL_OP_TRAINING && !pass->choice.frozen) {
        RNCL_TRY(join_statistics(pass, b));
    } else {
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[RUNNING], running_range(pass), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance),
                             RNCL_BUFFER(b->saved)));
    }
    return rncl_launch(pass->context, &data->kernels[APPLY], row_range(pass), RNCL_STRUCT(*s),
                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->residual), RNCL_BUFFER(b->saved),
                       RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->y));
}

/* Where the sums of the gradient are: those of the convolution behind, or this pass's own. */
static cl_mem gradient_sums(const rncl_pass *pass, const rncl_op_buffers *b)
{
    return pass->choice.gradient_parts ? b->gradient_sums : b->workspace;
}

/* Writes dweight and dbias, and over the first sums the means of dz and dz * xhat, which dx needs because
 * batch statistics depend on x. */
static rncl_status sum_gradients(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const batchnorm_data *data = pass->data;
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const int given = pass->choice.gradient_parts;
    const cl_mem parts = gradient_sums(pass, b);
    if (!given)
        RNCL_TRY(rncl_launch(pass->context, &data->kernels[GRADIENT_SUMS], row_range(pass), RNCL_STRUCT(*s),
                             RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                             RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(parts),
                             RNCL_BUFFER(b->dresidual)));
    RNCL_TRY(rncl_launch(pass->context, &data->kernels[GRADIENT_MOMENTS], channel_range(pass),
                         RNCL_STRUCT(*s), RNCL_INT(given ? given : pass->values[GROUPS]), RNCL_BUFFER(parts),
                         RNCL_BUFFER(b->dweight), RNCL_BUFFER(b->dbias),
                         RNCL_INT((scalars->flags & RNCL_OP_ACCUMULATE_PARAMS) != 0)));
    return is_joined(pass) ? rncl_batchnorm_join_means(pass, &data->join, parts) : RNCL_OK;
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
    const cl_mem parts = gradient_sums(pass, b);
    return rncl_launch(pass->context, &data->kernels[GRADIENT], row_range(pass), RNCL_STRUCT(*s),
                       RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                       RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(parts), RNCL_BUFFER(b->dx),
                       RNCL_BUFFER(b->dresidual), RNCL_INT(pass->choice.frozen),
                       RNCL_INT((scalars->flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

static rncl_status batchnorm_enqueue(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    return pass->index == RNCL_OP_FORWARD ? batchnorm_forward(pass, b, scalars)
                                          : batchnorm_backward(pass, b, scalars);
}

/* What the launches of batchnorm_forward and batchnorm_backward read and write. */
static uint64_t batchnorm_bytes(const rncl_pass *pass)
{
    const rncl_batchnorm_shape *s = &pass->desc.batchnorm;
    const bool add = s->residual == RNCL_RESIDUAL_ADD, pad = s->residual == RNCL_RESIDUAL_PAD;
    const bool frozen = pass->choice.frozen;
    const int given =
        pass->index == RNCL_OP_FORWARD ? pass->choice.statistics_parts : pass->choice.gradient_parts;
    const uint64_t pixels = (uint64_t)s->n * (uint64_t)s->h * (uint64_t)s->w;
    const uint64_t x = pixels * (uint64_t)s->c, padded = pixels * (uint64_t)s->residual_c;
    const uint64_t signs = has_signs(pass) ? signs_bytes(pass) : 0; /* written once, read once a launch */
    const uint64_t y = s->relu && s->residual != RNCL_RESIDUAL_NONE && !signs ? x : 0;
    const uint64_t parts = 2 * (uint64_t)s->c * (uint64_t)(given ? given : pass->values[GROUPS]);
    uint64_t elements, floats; /* of tensors, and of sums */
    if (pass->index == RNCL_OP_FORWARD) {
        elements = 2 * x + (add ? x : pad ? padded : 0) + (frozen || given ? 0 : x);
        floats = frozen ? 0 : given ? parts : 2 * parts;
    } else {
        const uint64_t whole =
            (uint64_t)s->n * (uint64_t)s->residual_h * (uint64_t)s->residual_w * (uint64_t)s->residual_c;
        const uint64_t sums = 2 * x + y + (add ? x : 0);
        const bool is_there = pass->choice.given_dz || (add && !frozen && !given);
        const uint64_t dz = is_there ? x : x + y + (add ? x : 0);
        elements = (frozen || given ? 0 : sums) + 2 * x + dz + (pad ? whole + padded * (y ? 2 : 1) : 0);
        floats = frozen ? 0 : given ? parts : 2 * parts;
    }
    return elements * rncl_pass_element_bytes(pass) + floats * sizeof(float) + signs;
}

static void batchnorm_destroy(rncl_pass *pass)
{
    batchnorm_data *data = pass->data;
    for (size_t i = 0; i < MOST_KERNELS; i++)
        rncl_kernel_fini(&data->kernels[i]);
    rncl_batchnorm_join_fini(&data->join);
    free(data);
}

extern const rncl_row rncl_batchnorm_single; /* batchnorm_single.c */

static const rncl_row row = {
    .name = "",
    .programs = {"batchnorm", "batchnorm_tiled"},
    .narrow = true,
    .epilogue = true,
    .knobs = batchnorm_knobs,
    .allows = batchnorm_allows,
    .plan = batchnorm_plan,
    .build = batchnorm_build,
    .prepare = batchnorm_prepare,
    .enqueue = batchnorm_enqueue,
    .destroy = batchnorm_destroy,
    .bytes = batchnorm_bytes,
};

const rncl_op_type rncl_op_batchnorm = {
    .name = "batchnorm",
    .passes = {{.name = "forward"}, {.name = "backward"}},
    .elements = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(residual) | RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(dy) |
                RNCL_SLOT_BIT(dx) | RNCL_SLOT_BIT(dresidual),
    RNCL_OP_ROWS(&row, &rncl_batchnorm_single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = batchnorm_shape,
};
