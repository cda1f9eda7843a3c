/* Fully connected layer: a 1x1 convolution of 1x1 images, and the bias (kernels/linear.cl). Each of its
 * passes contains one of a convolution, which is planned and tuned as such. */
#include <stdlib.h>
#include <string.h>

#include "elementwise.h"
#include "single.h"
#include "util.h"

typedef struct linear_data {
    rncl_pass product; /* of the convolution */
    rncl_kernel bias;  /* adds the bias, or sums its gradient */
} linear_data;

static bool is_single(const rncl_pass *pass)
{
    return !strcmp(pass->row->name, RNCL_SINGLE);
}

static rncl_op_desc product_of(const rncl_linear_shape *s)
{
    return (rncl_op_desc){
        .kind = RNCL_OP_conv,
        .conv =
            {.n = s->n, .h = 1, .w = 1, .c = s->c, .k = s->k, .r = 1, .s = 1, .stride = 1, .p = 1, .q = 1},
    };
}

static rncl_status linear_shape(const rncl_op_desc *desc, const rncl_op_choice *choice, rncl_op_needs *needs)
{
    const rncl_linear_shape *s = &desc->linear;
    if (s->n <= 0 || s->c <= 0 || s->k <= 0)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "linear layer of %d inputs, %d outputs", s->c, s->k);
    needs->backward_reads_x =
        !choice->frozen && !(choice->left_out & RNCL_PASS_BIT(RNCL_CONV_BACKWARD_FILTER));
    return RNCL_OK;
}

static uint64_t linear_macs(const rncl_op_desc *desc)
{
    return (uint64_t)desc->linear.c * (uint64_t)desc->linear.k;
}

/* No statistics of y: those of the product would lack the bias. */
static rncl_status linear_plan(rncl_pass *pass)
{
    linear_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a linear layer");
    data->product = (rncl_pass){.context = pass->context,
                                .desc = product_of(&pass->desc.linear),
                                .index = pass->index,
                                .choice = pass->choice};
    data->product.choice.floats = true;
    if (is_single(pass))
        data->product.choice.algorithm = RNCL_SINGLE;
    else if (pass->choice.algorithm && !*pass->choice.algorithm)
        data->product.choice.algorithm = NULL; /* the row without a name was asked for */
    RNCL_TRY(rncl_pass_plan(&data->product));
    pass->tuned = data->product.tuned;
    pass->workspace_bytes = data->product.workspace_bytes;
    pass->packed_floats = data->product.packed_floats;
    return RNCL_OK;
}

static rncl_status linear_build(rncl_pass *pass)
{
    linear_data *data = pass->data;
    static const char *const names[RNCL_OP_PASSES] = {
        [RNCL_CONV_FORWARD] = "linear_bias", [RNCL_CONV_BACKWARD_FILTER] = "linear_bias_gradient"};
    static const char *const single_names[RNCL_OP_PASSES] = {[RNCL_CONV_FORWARD] = "single_linear_bias",
                                                             [RNCL_CONV_BACKWARD_FILTER] =
                                                                 "single_linear_bias_gradient"};
    const char *name = (is_single(pass) ? single_names : names)[pass->index];
    data->product.packed_offset = pass->packed_offset;
    RNCL_TRY(data->product.row->build(&data->product));
    if (!name)
        return RNCL_OK;
    RNCL_TRY(rncl_pass_kernel(pass, pass->row->programs[0], "", name, &data->bias));
    return rncl_kernel_require(pass->context, &data->bias,
                               is_single(pass) ? 1 : (size_t)rncl_elementwise_local(pass->context));
}

static rncl_status linear_bind(rncl_pass *pass, cl_mem workspace)
{
    linear_data *data = pass->data;
    return data->product.row->bind ? data->product.row->bind(&data->product, workspace) : RNCL_OK;
}

static rncl_status linear_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    linear_data *data = pass->data;
    return data->product.row->prepare(&data->product, b);
}

/* Of the kernel for the bias: a work-item for each value, or a single one. */
static rncl_range bias_range(const rncl_pass *pass, size_t values)
{
    return is_single(pass) ? RNCL_SINGLE_RANGE : rncl_elementwise_range(pass->context, values, 1);
}

static rncl_status add_bias(rncl_pass *pass, const rncl_op_buffers *b)
{
    const linear_data *data = pass->data;
    const rncl_linear_shape *s = &pass->desc.linear;
    const rncl_range range = bias_range(pass, (size_t)s->n * (size_t)s->k);
    return rncl_launch(pass->context, &data->bias, range, RNCL_STRUCT(*s), RNCL_BUFFER(b->bias),
                       RNCL_BUFFER(b->y));
}

static rncl_status sum_bias_gradient(rncl_pass *pass, const rncl_op_buffers *b,
                                     const rncl_op_scalars *scalars)
{
    const linear_data *data = pass->data;
    const rncl_linear_shape *s = &pass->desc.linear;
    const rncl_range range = bias_range(pass, (size_t)s->k);
    return rncl_launch(pass->context, &data->bias, range, RNCL_STRUCT(*s), RNCL_BUFFER(b->dy),
                       RNCL_BUFFER(b->dbias), RNCL_INT(rncl_pass_accumulates(pass, scalars)));
}

static rncl_status linear_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    linear_data *data = pass->data;
    rncl_op_buffers without_statistics = *b;
    without_statistics.statistics = NULL;
    RNCL_TRY(data->product.row->enqueue(&data->product, &without_statistics, scalars));
    switch (pass->index) {
    case RNCL_CONV_FORWARD:
        return add_bias(pass, b);
    case RNCL_CONV_BACKWARD_FILTER:
        return sum_bias_gradient(pass, b, scalars);
    default:
        return RNCL_OK;
    }
}

static void linear_destroy(rncl_pass *pass)
{
    linear_data *data = pass->data;
    rncl_pass_fini(&data->product);
    rncl_kernel_fini(&data->bias);
    free(data);
}

static const rncl_pass *linear_part(const rncl_pass *pass)
{
    const linear_data *data = pass->data;
    return &data->product;
}

static const rncl_row row = {
    .name = "",
    .programs = {"linear"},
    .exact = true,
    .plan = linear_plan,
    .build = linear_build,
    .bind = linear_bind,
    .prepare = linear_prepare,
    .enqueue = linear_enqueue,
    .destroy = linear_destroy,
    .part = linear_part,
};

static const rncl_row single = {
    .name = RNCL_SINGLE,
    .programs = {RNCL_SINGLE_PROGRAM},
    .exact = true,
    .untuned = true,
    .supports = rncl_single_supports,
    .plan = linear_plan,
    .build = linear_build,
    .enqueue = linear_enqueue,
    .destroy = linear_destroy,
    .part = linear_part,
};

const rncl_op_type rncl_op_linear = {
    .name = "linear",
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.name = "forward"},
            [RNCL_CONV_BACKWARD_DATA] = {.name = "backward_data", .for_dx = true},
            [RNCL_CONV_BACKWARD_FILTER] = {.name = "backward_filter", .for_parameters = true},
        },
    RNCL_OP_ROWS(&row, &single),
    .first_row = {[RNCL_CLASS_ACCELERATOR] = 1},
    .shape = linear_shape,
    .macs = linear_macs,
};
