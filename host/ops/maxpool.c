/* Max pooling (kernels/maxpool.cl). */
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"

typedef struct maxpool_data {
    rncl_elementwise frames[RNCL_OP_PASSES];
    rncl_kernel forward, backward;
} maxpool_data;

static rncl_status maxpool_plan(rncl_op *op)
{
    const rncl_maxpool_shape *s = &op->desc.maxpool;
    /* A window's position fits in a byte. */
    if (s->n <= 0 || s->c <= 0 || s->size <= 0 || s->size > 16 || s->stride <= 0 || s->pad < 0 ||
        2 * s->pad > s->size || s->p <= 0 || s->q <= 0 ||
        s->p != rncl_window_output(s->h, s->size, s->stride, s->pad) ||
        s->q != rncl_window_output(s->w, s->size, s->stride, s->pad))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "max pooling of %dx%dx%dx%d by %d, stride %d, pad %d", s->n, s->h,
                         s->w, s->c, s->size, s->stride, s->pad);
    maxpool_data *data = op->plan_data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a max pooling");
    for (int pass = RNCL_OP_FORWARD; pass <= RNCL_OP_BACKWARD; pass++)
        if (rncl_op_wants(op, pass))
            data->frames[pass] = rncl_elementwise_plan(op, pass);
    op->needs = (rncl_op_needs){.x = {s->n, s->h, s->w, s->c}, .y = {s->n, s->p, s->q, s->c}};
    op->needs.saved_bytes = rncl_shape_count(op->needs.y);
    return RNCL_OK;
}

static rncl_status maxpool_build(rncl_op *op)
{
    maxpool_data *data = op->plan_data;
    RNCL_TRY(rncl_elementwise_build(op, RNCL_OP_FORWARD, &data->frames[RNCL_OP_FORWARD], "maxpool_forward",
                                    &data->forward));
    return rncl_elementwise_build(op, RNCL_OP_BACKWARD, &data->frames[RNCL_OP_BACKWARD], "maxpool_backward",
                                  &data->backward);
}

static rncl_status maxpool_forward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    (void)flags;
    const maxpool_data *data = op->plan_data;
    const rncl_elementwise *frame = &data->frames[RNCL_OP_FORWARD];
    return rncl_launch(op->context, &data->forward,
                       rncl_elementwise_frame(frame, rncl_shape_count(op->needs.y)),
                       RNCL_STRUCT(op->desc.maxpool), RNCL_INT(frame->per), RNCL_BUFFER(b->x),
                       RNCL_BUFFER(b->y), RNCL_BUFFER(b->saved));
}

static rncl_status maxpool_backward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const maxpool_data *data = op->plan_data;
    if (!b->dx)
        return RNCL_OK;
    const rncl_elementwise *frame = &data->frames[RNCL_OP_BACKWARD];
    return rncl_launch(
        op->context, &data->backward, rncl_elementwise_frame(frame, rncl_shape_count(op->needs.x)),
        RNCL_STRUCT(op->desc.maxpool), RNCL_INT(frame->per), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
        RNCL_BUFFER(b->dx), RNCL_INT((flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

static void maxpool_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(t->context, t->desc.maxpool.c, knobs);
}

static void maxpool_destroy(rncl_op *op)
{
    maxpool_data *data = op->plan_data;
    if (!data)
        return;
    rncl_kernel_fini(&data->forward);
    rncl_kernel_fini(&data->backward);
    free(data);
}

const rncl_op_type rncl_op_maxpool = {
    .name = "maxpool",
    .plan = maxpool_plan,
    .build = maxpool_build,
    .forward = maxpool_forward,
    .backward = maxpool_backward,
    .destroy = maxpool_destroy,
    .passes = {{.name = "forward"}, {.name = "backward", .for_dx = true}},
    .kernels = "maxpool elementwise",
    .knobs = maxpool_knobs,
};
