/* Fully connected layer: three matrix products by CLBlast, and the bias (kernels/linear.cl). */
#include <stdlib.h>

#include "elementwise.h"
#include "gemm.h"
#include "launch.h"
#include "op_types.h"
#include "util.h"

typedef struct linear_data {
    rncl_kernel bias, bias_gradient;
} linear_data;

/* y [n][k] = x [n][c] weight [c][k] */
static rncl_gemm forward_product(const rncl_linear_shape *s)
{
    size_t n = (size_t)s->n, c = (size_t)s->c, k = (size_t)s->k;
    return (rncl_gemm){.m = n, .n = k, .k = c, .a_stride = c, .b_stride = k, .c_stride = k, .beta = 1.0f};
}

/* dweight [c][k] = x^T [c][n] dy [n][k] */
static rncl_gemm weight_product(const rncl_linear_shape *s)
{
    size_t n = (size_t)s->n, c = (size_t)s->c, k = (size_t)s->k;
    return (rncl_gemm){
        .m = c, .n = k, .k = n, .transpose_a = true, .a_stride = c, .b_stride = k, .c_stride = k};
}

/* dx [n][c] = dy [n][k] weight^T [k][c] */
static rncl_gemm data_product(const rncl_linear_shape *s)
{
    size_t n = (size_t)s->n, c = (size_t)s->c, k = (size_t)s->k;
    return (rncl_gemm){
        .m = n, .n = c, .k = k, .transpose_b = true, .a_stride = k, .b_stride = k, .c_stride = c};
}

static rncl_status linear_plan(rncl_op *op)
{
    const rncl_linear_shape *s = &op->desc.linear;
    if (s->n <= 0 || s->c <= 0 || s->k <= 0)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "linear layer of %d inputs, %d outputs", s->c, s->k);
    op->plan_data = calloc(1, sizeof(linear_data));
    if (!op->plan_data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a linear layer");
    op->needs = (rncl_op_needs){
        .x = {s->n, 1, 1, s->c},
        .y = {s->n, 1, 1, s->k},
        .weight = (size_t)s->c * (size_t)s->k,
        .bias = (size_t)s->k,
        .workspace_bytes = sizeof(float),
        .backward_reads_x = true,
    };
    const rncl_gemm products[] = {forward_product(s), weight_product(s), data_product(s)};
    for (size_t i = 0; i < COUNT(products); i++) {
        size_t bytes;
        RNCL_TRY(rncl_gemm_workspace(op->context, &products[i], &bytes));
        op->needs.workspace_bytes = MAX(op->needs.workspace_bytes, bytes);
    }
    return RNCL_OK;
}

static rncl_status linear_build(rncl_op *op)
{
    linear_data *data = op->plan_data;
    RNCL_TRY(rncl_kernel_create(op->context, "linear", "", "linear_bias", &data->bias));
    return rncl_kernel_create(op->context, "linear", "", "linear_bias_gradient", &data->bias_gradient);
}

static rncl_status linear_forward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    (void)flags;
    const linear_data *data = op->plan_data;
    const rncl_linear_shape *s = &op->desc.linear;
    rncl_range range = rncl_elementwise_range(op->context, rncl_shape_count(op->needs.y), 1);
    RNCL_TRY(rncl_launch(op->context, &data->bias, range, RNCL_STRUCT(*s), RNCL_BUFFER(b->bias),
                         RNCL_BUFFER(b->y)));
    rncl_gemm product = forward_product(s);
    product.a = b->x;
    product.b = b->weight;
    product.c = b->y;
    product.workspace = b->workspace;
    return rncl_gemm_enqueue(op->context, &product);
}

static rncl_status linear_backward(rncl_op *op, const rncl_op_buffers *b, unsigned flags)
{
    const linear_data *data = op->plan_data;
    const rncl_linear_shape *s = &op->desc.linear;
    bool accumulate = flags & RNCL_OP_ACCUMULATE_PARAMS;
    rncl_range range = rncl_elementwise_range(op->context, (size_t)s->k, 1);
    RNCL_TRY(rncl_launch(op->context, &data->bias_gradient, range, RNCL_STRUCT(*s), RNCL_BUFFER(b->dy),
                         RNCL_BUFFER(b->dbias), RNCL_INT(accumulate)));
    rncl_gemm product = weight_product(s);
    product.a = b->x;
    product.b = b->dy;
    product.c = b->dweight;
    product.beta = accumulate ? 1.0f : 0.0f;
    product.workspace = b->workspace;
    RNCL_TRY(rncl_gemm_enqueue(op->context, &product));
    if (!b->dx)
        return RNCL_OK;
    product = data_product(s);
    product.a = b->dy;
    product.b = b->weight;
    product.c = b->dx;
    product.beta = flags & RNCL_OP_ACCUMULATE_DX ? 1.0f : 0.0f;
    product.workspace = b->workspace;
    return rncl_gemm_enqueue(op->context, &product);
}

static void linear_destroy(rncl_op *op)
{
    linear_data *data = op->plan_data;
    if (!data)
        return;
    rncl_kernel_fini(&data->bias);
    rncl_kernel_fini(&data->bias_gradient);
    free(data);
}

const rncl_op_type rncl_op_linear = {
    .name = "linear",
    .plan = linear_plan,
    .build = linear_build,
    .forward = linear_forward,
    .backward = linear_backward,
    .destroy = linear_destroy,
};
