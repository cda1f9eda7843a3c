/* Fully connected layer: a 1x1 convolution of 1x1 images, and the bias (kernels/linear.cl). */
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"

typedef struct linear_data {
    rncl_op *product;
    rncl_kernel bias, bias_gradient;
} linear_data;

static rncl_op_desc product_of(const rncl_linear_shape *s)
{
    return (rncl_op_desc){
        .kind = RNCL_OP_conv,
        .conv =
            {
                .n = s->n,
                .h = 1,
                .w = 1,
                .c = s->c,
                .k = s->k,
                .r = 1,
                .s = 1,
                .stride = 1,
                .p = 1,
                .q = 1,
            },
    };
}

static rncl_status linear_plan(rncl_op *op)
{
    const rncl_linear_shape *s = &op->desc.linear;
    if (s->n <= 0 || s->c <= 0 || s->k <= 0)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "linear layer of %d inputs, %d outputs", s->c, s->k);
    linear_data *data = op->plan_data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a linear layer");
    const rncl_op_desc desc = product_of(s);
    RNCL_TRY(rncl_op_create(op->context, &desc, &op->choice, &data->product));
    op->needs = data->product->needs;
    op->needs.bias = (size_t)s->k;
    op->problems = data->product->problems;
    op->tuned = data->product->tuned;
    return RNCL_OK;
}

static rncl_status linear_build(rncl_op *op)
{
    linear_data *data = op->plan_data;
    RNCL_TRY(rncl_op_build(data->product));
    RNCL_TRY(rncl_kernel_create(op->context, "linear", "", "linear_bias", &data->bias));
    return rncl_kernel_create(op->context, "linear", "", "linear_bias_gradient", &data->bias_gradient);
}

static rncl_status linear_prepare(rncl_op *op, const rncl_op_buffers *b)
{
    const linear_data *data = op->plan_data;
    return rncl_op_prepare(data->product, b);
}

static rncl_status linear_forward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const linear_data *data = op->plan_data;
    RNCL_TRY(rncl_op_forward(data->product, b, flags));
    rncl_range range = rncl_elementwise_range(op->context, rncl_shape_count(op->needs.y), 1);
    return rncl_launch(op->context, &data->bias, range, RNCL_STRUCT(op->desc.linear), RNCL_BUFFER(b->bias),
                       RNCL_BUFFER(b->y));
}

static rncl_status linear_backward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const linear_data *data = op->plan_data;
    rncl_range range = rncl_elementwise_range(op->context, (size_t)op->desc.linear.k, 1);
    if (!op->choice.frozen)
        RNCL_TRY(rncl_launch(op->context, &data->bias_gradient, range, RNCL_STRUCT(op->desc.linear),
                             RNCL_BUFFER(b->dy), RNCL_BUFFER(b->dbias),
                             RNCL_INT((flags & RNCL_OP_ACCUMULATE_PARAMS) != 0)));
    return rncl_op_backward(data->product, b, flags);
}

static const rncl_op *linear_part(const rncl_op *op)
{
    const linear_data *data = op->plan_data;
    return data->product;
}

static void linear_destroy(rncl_op *op)
{
    linear_data *data = op->plan_data;
    if (!data)
        return;
    rncl_op_destroy(data->product);
    rncl_kernel_fini(&data->bias);
    rncl_kernel_fini(&data->bias_gradient);
    free(data);
}

const rncl_op_type rncl_op_linear = {
    .name = "linear",
    .plan = linear_plan,
    .build = linear_build,
    .prepare = linear_prepare,
    .forward = linear_forward,
    .backward = linear_backward,
    .destroy = linear_destroy,
    .part = linear_part,
};
