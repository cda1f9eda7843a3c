/* Convolution on matrix units (kernels/conv/mma.cl): the default where a device has one. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "mma_product.h"
#include "partial_sums.h"
#include "util.h"

typedef struct mma_data {
    rncl_mma_shape products[MMA_MOST_PRODUCTS];
    int product_count;
    mma_tile tile;
    rncl_kernel kernel;
    partial_sums sums;
} mma_data;

static size_t result_floats(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const size_t x = (size_t)c->n * (size_t)c->h * (size_t)c->w * (size_t)c->c,
                 y = (size_t)c->n * (size_t)c->p * (size_t)c->q * (size_t)c->k;
    return conv_is_dfilter(pass) ? conv_filter_floats(c) : pass->index == RNCL_CONV_FORWARD ? y : x;
}

/* Offsets are 32-bit numbers. */
static bool mma_supports(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const double x = (double)c->n * c->h * c->w * c->c, y = (double)c->n * c->p * c->q * c->k;
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    return unit && x < INT_MAX && y < INT_MAX && (double)conv_filter_floats(c) < INT_MAX &&
           (pass->index != RNCL_CONV_BACKWARD_DATA || c->stride <= MMA_MOST_STRIDE) && mma_has_tile(pass);
}

static void mma_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    mma_product_add_knobs(pass, 1, false, knobs);
}

static bool mma_allows(const rncl_pass *pass)
{
    return mma_product_allows(pass, pass->values);
}

/* Of a product: each makes a part of statistics or of a gradient's sums. */
static int row_tiles(const rncl_pass *pass, int product)
{
    const mma_data *data = pass->data;
    return rncl_ceil_div(mma_sizes_of(pass, &data->products[product]).rows,
                         data->tile.sr * data->tile.fr * mma_unit_of(pass)->m);
}

static rncl_status mma_plan(rncl_pass *pass)
{
    mma_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a convolution on matrix units");
    data->product_count = mma_add_products(pass, data->products);
    data->tile = mma_product_tile(pass->values);
    const size_t floats = result_floats(pass);
    data->sums =
        (partial_sums){.parts = mma_product_shares(pass->values), .vw = floats % 4 ? 1 : 4, .floats = floats};
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    if (data->sums.parts > 1)
        return RNCL_OK;
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = row_tiles(pass, 0);
    for (int i = 0; i < data->product_count && pass->index == RNCL_CONV_BACKWARD_DATA; i++)
        pass->gradient_parts += pass->choice.gradient_sums ? row_tiles(pass, i) : 0;
    return RNCL_OK;
}

static rncl_status mma_build(rncl_pass *pass)
{
    mma_data *data = pass->data;
    char more[48] = "";
    if (pass->gradient_parts && pass->choice.signs_width)
        snprintf(more, sizeof more, " -DGRADIENT_SUMS=1 -DSIGNS_VW=%d", pass->choice.signs_width);
    else if (pass->gradient_parts)
        snprintf(more, sizeof more, " -DGRADIENT_SUMS=1");
    RNCL_TRY(mma_product_build(pass, 0, pass, more, &data->kernel));
    return partial_sums_build(pass, &data->sums);
}

/* first_part: of this product's parts of a gradient's sums. */
static rncl_status enqueue_product(const rncl_pass *pass, int product, int first_part,
                                   const rncl_op_buffers *b, const cl_mem *result, bool accumulate)
{
    const mma_data *data = pass->data;
    const rncl_mma_shape *shape = &data->products[product];
    const rncl_range range = mma_product_range(pass, shape, &data->tile, data->sums.parts);
    const cl_mem *left = conv_is_dfilter(pass) ? &b->x : conv_input(pass, b);
    const cl_mem *right = conv_is_dfilter(pass) ? &b->dy : &b->weight;
    const cl_mem statistics = conv_statistics(pass, b);
    if (pass->gradient_parts)
        return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(*shape), RNCL_BUFFER(*left),
                           RNCL_BUFFER(*right), RNCL_BUFFER(*result), RNCL_BUFFER(statistics),
                           RNCL_INT(accumulate), RNCL_BUFFER(b->before_x), RNCL_BUFFER(b->before_saved),
                           RNCL_BUFFER(b->before_weight), RNCL_BUFFER(b->before_bias),
                           RNCL_BUFFER(b->gradient_sums), RNCL_INT(first_part));
    return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(*shape), RNCL_BUFFER(*left),
                       RNCL_BUFFER(*right), RNCL_BUFFER(*result), RNCL_BUFFER(statistics),
                       RNCL_INT(accumulate));
}

static rncl_status mma_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const mma_data *data = pass->data;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const cl_mem *result = conv_is_dfilter(pass) ? &b->dweight : conv_output(pass, b);
    const cl_mem *target = partial_sums_target(&data->sums, result, &b->workspace);
    const bool add = partial_sums_accumulate(&data->sums, accumulate);
    int part = 0;
    for (int i = 0; i < data->product_count; i++) {
        /* Where no tap reaches, there is nothing to add. */
        if (data->products[i].r || !add || pass->gradient_parts)
            RNCL_TRY(enqueue_product(pass, i, part, b, target, add));
        part += row_tiles(pass, i);
    }
    return partial_sums_reduce(pass, &data->sums, &b->workspace, result, accumulate);
}

static void mma_destroy(rncl_pass *pass)
{
    mma_data *data = pass->data;
    rncl_kernel_fini(&data->kernel);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_mma = {
    .name = "mma",
    .programs = {"conv/mma", "conv/reduce"},
    .exact = true,
    .rounding = mma_product_rounding,
    .supports = mma_supports,
    .knobs = mma_knobs,
    .allows = mma_allows,
    .plan = mma_plan,
    .build = mma_build,
    .enqueue = mma_enqueue,
    .destroy = mma_destroy,
};