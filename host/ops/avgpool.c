/* Global average pooling (kernels/avgpool.cl). */
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"

typedef struct avgpool_data {
    rncl_elementwise frames[RNCL_OP_PASSES];
    rncl_kernel forward, backward;
} avgpool_data;

static rncl_status avgpool_plan(rncl_op *op)
{
    const rncl_avgpool_shape *s = &op->desc.avgpool;
    if (s->n <= 0 || s->h <= 0 || s->w <= 0 || s->c <= 0)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "average pooling of %dx%dx%dx%d", s->n, s->h, s->w, s->c);
    avgpool_data *data = op->plan_data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of an average pooling");
    for (int pass = RNCL_OP_FORWARD; pass <= RNCL_OP_BACKWARD; pass++)
        if (rncl_op_wants(op, pass))
            data->frames[pass] = rncl_elementwise_plan(op, pass);
    op->needs = (rncl_op_needs){.x = {s->n, s->h, s->w, s->c}, .y = {s->n, 1, 1, s->c}};
    return RNCL_OK;
}

static rncl_status avgpool_build(rncl_op *op)
{
    avgpool_data *data = op->plan_data;
    RNCL_TRY(rncl_elementwise_build(op, RNCL_OP_FORWARD, &data->frames[RNCL_OP_FORWARD], "avgpool_forward",
                                    &data->forward));
    return rncl_elementwise_build(op, RNCL_OP_BACKWARD, &data->frames[RNCL_OP_BACKWARD], "avgpool_backward",
                                  &data->backward);
}

static rncl_status avgpool_forward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    (void)flags;
    const avgpool_data *data = op->plan_data;
    const rncl_elementwise *frame = &data->frames[RNCL_OP_FORWARD];
    return rncl_launch(
        op->context, &data->forward, rncl_elementwise_frame(frame, rncl_shape_count(op->needs.y)),
        RNCL_STRUCT(op->desc.avgpool), RNCL_INT(frame->per), RNCL_BUFFER(b->x), RNCL_BUFFER(b->y));
}

static rncl_status avgpool_backward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const avgpool_data *data = op->plan_data;
    if (!b->dx)
        return RNCL_OK;
    const rncl_elementwise *frame = &data->frames[RNCL_OP_BACKWARD];
    return rncl_launch(op->context, &data->backward,
                       rncl_elementwise_frame(frame, rncl_shape_count(op->needs.x)),
                       RNCL_STRUCT(op->desc.avgpool), RNCL_INT(frame->per), RNCL_BUFFER(b->dy),
                       RNCL_BUFFER(b->dx), RNCL_INT((flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

static void avgpool_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(t->context, t->desc.avgpool.c, knobs);
}

static void avgpool_destroy(rncl_op *op)
{
    avgpool_data *data = op->plan_data;
    if (!data)
        return;
    rncl_kernel_fini(&data->forward);
    rncl_kernel_fini(&data->backward);
    free(data);
}

const rncl_op_type rncl_op_avgpool = {
    .name = "avgpool",
    .plan = avgpool_plan,
    .build = avgpool_build,
    .forward = avgpool_forward,
    .backward = avgpool_backward,
    .destroy = avgpool_destroy,
    .passes = {{.name = "forward"}, {.name = "backward", .for_dx = true}},
    .kernels = "avgpool elementwise",
    .knobs = avgpool_knobs,
};
