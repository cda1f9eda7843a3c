/* Convolution on matrix units (kernels/conv/mma.cl): the default where a device has one. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "mma_tile.h"
#include "partial_sums.h"
#include "util.h"

#define KNOBS(X)                                                                                             \
    X(SR, "sr", "SR")       /* rows of sub-groups */                                                         \
    X(SC, "sc", "SC")       /* columns of them */                                                            \
    X(FR, "fr", "FR")       /* rows of fragments of a sub-group */                                           \
    X(FC, "fc", "FC")       /* columns of them */                                                            \
    X(TK, "tk", "TK")       /* words of depth that are staged at a time */                                   \
    X(SPLIT, "split", NULL) /* shares of the depth, whose sums are added in order */
RNCL_DECLARE_KNOBS(KNOBS)

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
    static const int counts[] = {1, 2, 4}, depths[] = {8, 16, 32};
    int split;
    const mma_tile tile = mma_tile_preset(pass, &split);
    /* Emulated tiles stay small: drivers of CPUs unroll barriers slowly. */
    const size_t most = pass->context->matrix.emulated ? 2 : 3;
    rncl_knobs_add(knobs, knob_names[SR], tile.sr, counts, most);
    rncl_knobs_add(knobs, knob_names[SC], tile.sc, counts, most);
    rncl_knobs_add(knobs, knob_names[FR], tile.fr, counts, most);
    rncl_knobs_add(knobs, knob_names[FC], tile.fc, counts, most);
    rncl_knobs_add(knobs, knob_names[TK], tile.tk, depths, most);
    rncl_knobs_add_doubling(knobs, knob_names[SPLIT], split, 1, 128);
}

static mma_tile tile_of(const int *values)
{
    return (mma_tile){values[SR], values[SC], values[FR], values[FC], values[TK]};
}

static bool mma_allows(const rncl_pass *pass)
{
    const mma_tile tile = tile_of(pass->values);
    return mma_tile_is_possible(pass, &tile) &&
           pass->values[SPLIT] <=
               MAX(1, rncl_ceil_div(mma_largest_sizes(pass).depth, tile.tk * mma_unit_of(pass)->pack));
}

static double mma_rounding(const rncl_pass *pass)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    return rncl_matrix_unit_products(unit, pass->context->precision) == 3
               ? 0.0
               : rncl_precision_rounding(unit->rounds_to);
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
    data->tile = tile_of(pass->values);
    const size_t floats = result_floats(pass);
    data->sums = (partial_sums){.parts = pass->values[SPLIT], .vw = floats % 4 ? 1 : 4, .floats = floats};
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
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const mma_widths widths = mma_widths_of(pass);
    const bool strided = pass->index == RNCL_CONV_BACKWARD_DATA && pass->desc.conv.stride > 1;
    char options[RNCL_OPTIONS_SIZE], of_unit[RNCL_MATRIX_OPTIONS], of_sums[48] = "";
    if (pass->gradient_parts && pass->choice.signs_width)
        snprintf(of_sums, sizeof of_sums, " -DGRADIENT_SUMS=1 -DSIGNS_VW=%d", pass->choice.signs_width);
    else if (pass->gradient_parts)
        snprintf(of_sums, sizeof of_sums, " -DGRADIENT_SUMS=1");
    rncl_matrix_unit_options(pass->context, unit, of_unit);
    rncl_pass_options(pass, 0, KNOB_COUNT, options,
                      "-DPASS=%d -DPRODUCTS=%d -DLEFT_VW=%d -DRIGHT_VW=%d -DSTORE_VW=%d -DSTRIDED=%d%s %s",
                      pass->index, rncl_matrix_unit_products(unit, pass->context->precision), widths.left,
                      widths.right, widths.store, strided, of_sums, of_unit);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/mma", options, "conv_mma", &data->kernel));
    RNCL_TRY(rncl_kernel_require(pass->context, &data->kernel, (size_t)mma_items_of(unit, &data->tile)));
    return partial_sums_build(pass, &data->sums);
}

/* first_part: of this product's parts of a gradient's sums. */
static rncl_status enqueue_product(const rncl_pass *pass, int product, int first_part,
                                   const rncl_op_buffers *b, const cl_mem *result, bool accumulate)
{
    const mma_data *data = pass->data;
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const mma_tile *t = &data->tile;
    const rncl_mma_shape *shape = &data->products[product];
    const int columns = mma_sizes_of(pass, shape).columns;
    const size_t items = (size_t)mma_items_of(unit, t);
    const rncl_range range = {
        .global = {items * (size_t)rncl_ceil_div(columns, t->sc * t->fc * unit->n),
                   (size_t)row_tiles(pass, product), (size_t)data->sums.parts},
        .local = {items, 1, 1},
    };
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
    .rounding = mma_rounding,
    .supports = mma_supports,
    .knobs = mma_knobs,
    .allows = mma_allows,
    .plan = mma_plan,
    .build = mma_build,
    .enqueue = mma_enqueue,
    .destroy = mma_destroy,
};