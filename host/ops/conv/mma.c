/* Convolution on matrix units (kernels/conv/mma.cl): the default where a device has one. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "mma_product.h"
#include "partial_sums.h"
#include "util.h"

typedef struct mma_data {
    rncl_mma_shape products[MMA_MOST_PRODUCTS];
    int product_count;
    mma_tile tile;
    rncl_kernel kernel;
    partial_sums sums;
    int round_vw; /* of the kernel that rounds the filter to elements */
    rncl_kernel round;
} mma_data;

static size_t result_floats(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const size_t x = (size_t)c->n * (size_t)c->h * (size_t)c->w * (size_t)c->c,
                 y = (size_t)c->n * (size_t)c->p * (size_t)c->q * (size_t)c->k;
    return conv_is_dfilter(pass) ? conv_filter_floats(c) : pass->index == RNCL_CONV_FORWARD ? y : x;
}

/* Whether the unit is one for elements, of which this pass has none: a fully connected layer is not rounded.
 */
static bool is_left_out(const rncl_pass *pass)
{
    return rncl_precision_is_narrow(pass->context->precision) && !rncl_pass_elements(pass);
}

/* Whether the filter is rounded to elements once a step. */
static bool rounds_filter(const rncl_pass *pass)
{
    return rncl_pass_elements(pass) && !conv_is_dfilter(pass);
}

/* Offsets are 32-bit numbers. */
static bool mma_supports(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const double x = (double)c->n * c->h * c->w * c->c, y = (double)c->n * c->p * c->q * c->k;
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    return unit && !is_left_out(pass) && x < INT_MAX && y < INT_MAX &&
           (double)conv_filter_floats(c) < INT_MAX &&
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
    if (rounds_filter(pass)) {
        const size_t values = conv_filter_floats(&pass->desc.conv);
        pass->packed_floats = (values + 1) / 2;
        data->round_vw = values % 8 ? 1 : 8;
    }
    if (data->sums.parts > 1)
        return RNCL_OK;
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = row_tiles(pass, 0);
    for (int i = 0; i < data->product_count && conv_finds_signs(pass); i++)
        pass->gradient_parts += row_tiles(pass, i);
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
    RNCL_TRY(partial_sums_build(pass, &data->sums));
    if (!rounds_filter(pass))
        return RNCL_OK;
    snprintf(more, sizeof more, "-DVW=%d", data->round_vw);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/round_filter", more, "conv_round_filter", &data->round));
    return rncl_kernel_require(pass->context, &data->round, (size_t)rncl_elementwise_local(pass->context));
}

/* Where the filter begins in `packed`, in elements. */
static rncl_int rounded_at(const rncl_pass *pass)
{
    return (rncl_int)(2 * pass->packed_offset);
}

static rncl_status mma_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const mma_data *data = pass->data;
    const size_t values = conv_filter_floats(&pass->desc.conv);
    return rncl_launch(pass->context, &data->round,
                       rncl_elementwise_range(pass->context, values, data->round_vw),
                       RNCL_INT((cl_int)values), RNCL_BUFFER(b->weight), RNCL_BUFFER(b->packed),
                       RNCL_INT((cl_int)rounded_at(pass)));
}

/* first_part: of this product's parts of a gradient's sums. */
static rncl_status enqueue_product(const rncl_pass *pass, int product, int first_part,
                                   const rncl_op_buffers *b, const cl_mem *result, bool accumulate)
{
    const mma_data *data = pass->data;
    rncl_mma_shape shape = data->products[product];
    const rncl_range range = mma_product_range(pass, &shape, &data->tile, data->sums.parts);
    const cl_mem *left = conv_is_dfilter(pass) ? &b->x : conv_input(pass, b);
    const cl_mem *right = conv_is_dfilter(pass) ? &b->dy : rounds_filter(pass) ? &b->packed : &b->weight;
    const cl_mem statistics = conv_statistics(pass, b);
    shape.right_at = rounds_filter(pass) ? rounded_at(pass) : 0;
    if (pass->gradient_parts)
        return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(shape), RNCL_BUFFER(*left),
                           RNCL_BUFFER(*right), RNCL_BUFFER(*result), RNCL_BUFFER(statistics),
                           RNCL_INT(accumulate), RNCL_BUFFER(b->before_x), RNCL_BUFFER(b->before_saved),
                           RNCL_BUFFER(b->before_weight), RNCL_BUFFER(b->before_bias),
                           RNCL_BUFFER(b->gradient_sums), RNCL_INT(first_part));
    return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(shape), RNCL_BUFFER(*left),
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
    rncl_kernel_fini(&data->round);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_mma = {
    .name = "mma",
    .programs = {"conv/mma", "conv/reduce", "conv/round_filter"},
    .exact = true,
    .narrow = true,
    .packs_alike = true,
    .rounding = mma_product_rounding,
    .supports = mma_supports,
    .knobs = mma_knobs,
    .allows = mma_allows,
    .plan = mma_plan,
    .build = mma_build,
    .prepare = mma_prepare,
    .enqueue = mma_enqueue,
    .destroy = mma_destroy,
};