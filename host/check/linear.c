/* Fully connected layer. */
#include <math.h>
#include <stdio.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

static const check_shape fixed[] = {
    {.op = {.kind = RNCL_OP_linear, .linear = {.n = 8, .c = 64, .k = 10}}},
    {.op = {.kind = RNCL_OP_linear, .linear = {.n = 4, .c = 512, .k = 100}}},
    {.op = {.kind = RNCL_OP_linear, .linear = {.n = 1, .c = 512, .k = 1000}}},
};

static const check_variant variants[] = {
    {.name = "integers", .integers = true},
    {.name = "normal, accumulated", .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "integers, accumulated",
     .integers = true,
     .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "normal"},
    {.name = "integers, without dx", .integers = true, .no_dx = true},
    {.name = "integers, frozen", .integers = true, .frozen = true},
    {.name = "normal, parameters accumulated", .flags = RNCL_OP_ACCUMULATE_PARAMS},
};

static void linear_draw(rncl_random *random, check_shape *shape)
{
    shape->op = (rncl_op_desc){
        .kind = RNCL_OP_linear,
        .linear = {.n = CHECK_PICK(random, 1, 1, 2, 3, 7, 8, 16, 31, 50),
                   .c = check_channels(random) * check_between(random, 1, 4),
                   .k = check_channels(random) + (check_once_in(random, 4) ? 100 : 0)},
    };
}

static double linear_work(const check_shape *shape)
{
    const rncl_linear_shape *s = &shape->op.linear;
    return (double)s->n * s->c * s->k;
}

static void linear_describe(const check_shape *shape, char *text, size_t size)
{
    const rncl_linear_shape *s = &shape->op.linear;
    snprintf(text, size, "%dx%d to %d", s->n, s->c, s->k);
}

static rncl_status linear_create(check_trial *trial)
{
    RNCL_TRY(check_op_create(trial));
    const rncl_linear_shape *s = &trial->shape.op.linear;
    check_expect(trial, CHECK_y, s->c, sqrt(s->c));
    check_expect(trial, CHECK_dx, s->k, sqrt(s->k));
    check_expect(trial, CHECK_dweight, s->n, sqrt(s->n));
    check_expect(trial, CHECK_dbias, s->n, sqrt(s->n));
    return RNCL_OK;
}

static void linear_reference(check_trial *trial)
{
    const rncl_linear_shape *s = &trial->shape.op.linear;
    check_tensor *t = trial->tensors;
    const double *x = t[CHECK_x].reference, *weight = t[CHECK_weight].reference, *dy = t[CHECK_dy].reference;
    rncl_reference_linear_forward(s, x, weight, t[CHECK_bias].reference, t[CHECK_y].reference);
    rncl_reference_linear_backward(s, x, weight, dy, t[CHECK_dx].reference, t[CHECK_dweight].reference,
                                   t[CHECK_dbias].reference);
}

const check_operation check_linear = {
    .name = "linear",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .draw = linear_draw,
    .work = linear_work,
    .describe = linear_describe,
    .create = linear_create,
    .reference = linear_reference,
    .launch = check_op_launch,
    .destroy = check_op_destroy,
};
