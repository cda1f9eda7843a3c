/* Max pooling. On integers most windows hold their maximum more than once: which of them wins is part of the
 * check. */
#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

/* Batch, height, width, channels, window, stride, padding. */
#define SHAPE(N, H, W, C, SIZE, STRIDE, PAD)                                                                 \
    {                                                                                                        \
        .op = {                                                                                              \
            .kind = RNCL_OP_maxpool,                                                                         \
            .maxpool = {N, H, W, C, SIZE, STRIDE, PAD, ((H) + 2 * (PAD) - (SIZE)) / (STRIDE) + 1,            \
                        ((W) + 2 * (PAD) - (SIZE)) / (STRIDE) + 1},                                          \
        }                                                                                                    \
    }

static const check_shape fixed[] = {
    SHAPE(2, 16, 16, 64, 3, 2, 1), /* after the first convolution */
    SHAPE(2, 15, 15, 16, 3, 2, 1),
    SHAPE(2, 14, 14, 16, 2, 2, 0),
};

static const check_variant variants[] = {
    {.name = "integers", .integers = true},
    {.name = "normal, dx accumulated", .flags = RNCL_OP_ACCUMULATE_DX},
    {.name = "integers, dx accumulated", .integers = true, .flags = RNCL_OP_ACCUMULATE_DX},
    {.name = "normal"},
};

static void maxpool_draw(rncl_random *random, check_shape *shape)
{
    rncl_maxpool_shape pool = {
        .n = check_between(random, 1, 4),
        .h = check_extent(random),
        .w = check_extent(random),
        .c = check_channels(random),
        .size = check_between(random, 1, 5),
        .stride = check_between(random, 1, 3),
    };
    pool.pad = check_between(random, 0, pool.size / 2);
    pool.h = MAX(pool.h, pool.size - 2 * pool.pad);
    pool.w = MAX(pool.w, pool.size - 2 * pool.pad);
    pool.p = rncl_window_output(pool.h, pool.size, pool.stride, pool.pad);
    pool.q = rncl_window_output(pool.w, pool.size, pool.stride, pool.pad);
    shape->op = (rncl_op_desc){.kind = RNCL_OP_maxpool, .maxpool = pool};
}

static double maxpool_work(const check_shape *shape)
{
    const rncl_maxpool_shape *s = &shape->op.maxpool;
    return (double)s->n * MAX((double)s->p * s->q * s->size * s->size, (double)s->h * s->w) * s->c;
}

static void maxpool_describe(const check_shape *shape, char *text, size_t size)
{
    const rncl_maxpool_shape *s = &shape->op.maxpool;
    snprintf(text, size, "%dx%dx%dx%d by %dx%d stride %d pad %d", s->n, s->h, s->w, s->c, s->size, s->size,
             s->stride, s->pad);
}

static rncl_status maxpool_create(check_trial *trial)
{
    check_op_draw_knobs(trial);
    RNCL_TRY(check_op_create(trial));
    const rncl_maxpool_shape *s = &trial->shape.op.maxpool;
    int windows = rncl_ceil_div(s->size, s->stride);
    check_expect(trial, CHECK_dx, windows * windows, 0.0);
    return RNCL_OK;
}

static void maxpool_reference(check_trial *trial)
{
    const rncl_maxpool_shape *s = &trial->shape.op.maxpool;
    check_tensor *t = trial->tensors;
    rncl_reference_maxpool_forward(s, t[CHECK_x].reference, t[CHECK_y].reference);
    rncl_reference_maxpool_backward(s, t[CHECK_x].reference, t[CHECK_dy].reference, t[CHECK_dx].reference);
}

const check_operation check_maxpool = {
    .name = "maxpool",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = maxpool_draw,
    .work = maxpool_work,
    .describe = maxpool_describe,
    .create = maxpool_create,
    .reference = maxpool_reference,
    .launch = check_op_launch,
    .destroy = check_op_destroy,
};
