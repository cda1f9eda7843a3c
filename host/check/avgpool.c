/* Global average pooling. */
#include <math.h>
#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

static const check_shape fixed[] = {
    {.op = {.kind = RNCL_OP_avgpool, .avgpool = {.n = 4, .h = 8, .w = 8, .c = 64}}},
    {.op = {.kind = RNCL_OP_avgpool, .avgpool = {.n = 2, .h = 7, .w = 7, .c = 512}}},
};

static const check_variant variants[] = {
    {.name = "normal"},
    {.name = "normal, dx accumulated", .flags = RNCL_OP_ACCUMULATE_DX},
};

static void avgpool_draw(rncl_random *random, check_shape *shape)
{
    shape->op = (rncl_op_desc){
        .kind = RNCL_OP_avgpool,
        .avgpool = {.n = check_between(random, 1, 8),
                    .h = check_extent(random),
                    .w = check_extent(random),
                    .c = check_channels(random)},
    };
}

static double avgpool_work(const check_shape *shape)
{
    const rncl_avgpool_shape *s = &shape->op.avgpool;
    return (double)s->n * s->h * s->w * s->c;
}

static void avgpool_describe(const check_shape *shape, char *text, size_t size)
{
    const rncl_avgpool_shape *s = &shape->op.avgpool;
    snprintf(text, size, "%dx%dx%dx%d", s->n, s->h, s->w, s->c);
}

static rncl_status avgpool_create(check_trial *trial)
{
    check_op_draw_knobs(trial);
    RNCL_TRY(check_op_create(trial));
    double pixels = (double)trial->shape.op.avgpool.h * trial->shape.op.avgpool.w;
    check_expect(trial, CHECK_y, pixels, 1.0 / sqrt(pixels));
    return RNCL_OK;
}

static void avgpool_reference(check_trial *trial)
{
    const rncl_avgpool_shape *s = &trial->shape.op.avgpool;
    check_tensor *t = trial->tensors;
    rncl_reference_avgpool_forward(s, t[CHECK_x].reference, t[CHECK_y].reference);
    rncl_reference_avgpool_backward(s, t[CHECK_dy].reference, t[CHECK_dx].reference);
}

const check_operation check_avgpool = {
    .name = "avgpool",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = avgpool_draw,
    .work = avgpool_work,
    .describe = avgpool_describe,
    .create = avgpool_create,
    .reference = avgpool_reference,
    .launch = check_op_launch,
    .destroy = check_op_destroy,
};
