/* Convolution on matrix units (kernels/conv/mma.cl): the default where a device has one. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "partial_sums.h"
#include "phases.h"
#include "util.h"

/* Phases of a strided input gradient; larger strides are left to other rows. */
enum { MOST_STRIDE = 3, MOST_PRODUCTS = MOST_STRIDE * MOST_STRIDE };

/* Shares of the depth are made until there are so many work-groups for each compute unit. */
enum { GROUPS_A_UNIT = 2, MOST_SHARES = 64 };

#define KNOBS(X)                                                                                             \
    X(SR, "sr", "SR")       /* rows of sub-groups */                                                         \
    X(SC, "sc", "SC")       /* columns of them */                                                            \
    X(FR, "fr", "FR")       /* rows of fragments of a sub-group */                                           \
    X(FC, "fc", "FC")       /* columns of them */                                                            \
    X(TK, "tk", "TK")       /* words of depth that are staged at a time */                                   \
    X(SPLIT, "split", NULL) /* shares of the depth, whose sums are added in order */
RNCL_DECLARE_KNOBS(KNOBS)

typedef struct mma_tile {
    int sr, sc, fr, fc, tk;
} mma_tile;

typedef struct mma_data {
    rncl_mma_shape products[MOST_PRODUCTS];
    int product_count;
    mma_tile tile;
    rncl_kernel kernel;
    partial_sums sums;
} mma_data;

/* ---- the products of matrices ---- */

/* The taps' places in the filter are those of forward; add_phases turns them. */
static rncl_mma_shape product_of(const rncl_direct_shape *s)
{
    return (rncl_mma_shape){
        .n = s->n,
        .h = s->h,
        .w = s->w,
        .c = s->c,
        .r = s->r,
        .s = s->s,
        .stride = s->stride,
        .pad_top = s->pad_top,
        .pad_left = s->pad_left,
        .p = s->p,
        .q = s->q,
        .k = s->k,
        .out_h = s->out_h,
        .out_w = s->out_w,
        .out_stride = s->out_stride,
        .out_row = s->out_row,
        .out_column = s->out_column,
    };
}

/* Of phases without taps too: their pixels are zero. */
static int add_phases(const rncl_conv_shape *c, rncl_mma_shape *out)
{
    int count = 0;
    for (int i = 0; i < c->stride * c->stride; i++) {
        conv_phase phase;
        if (!conv_phase_of(c, i / c->stride, i % c->stride, &phase))
            continue;
        out[count] = product_of(&phase.shape);
        out[count].filter_first = phase.pack.row_first * c->s + phase.pack.column_first;
        out[count].filter_row = phase.pack.row_step * c->s;
        out[count].filter_column = phase.pack.column_step;
        count++;
    }
    return count;
}

/* The filter gradient has the forward pass's image, taps and pixels. */
static int add_products(const rncl_pass *pass, rncl_mma_shape out[MOST_PRODUCTS])
{
    if (pass->index == RNCL_CONV_BACKWARD_DATA)
        return add_phases(&pass->desc.conv, out);
    const rncl_direct_shape forward = direct_dense_shape(&pass->desc.conv);
    *out = product_of(&forward);
    return 1;
}

typedef struct matrix_sizes {
    int rows, columns, depth;
} matrix_sizes;

static matrix_sizes sizes_of(const rncl_pass *pass, const rncl_mma_shape *s)
{
    const int pixels = s->n * s->p * s->q, taps = s->r * s->s * s->c;
    return conv_is_dfilter(pass) ? (matrix_sizes){taps, s->k, pixels} : (matrix_sizes){pixels, s->k, taps};
}

/* The product that has most to do. */
static matrix_sizes largest_sizes(const rncl_pass *pass)
{
    rncl_mma_shape products[MOST_PRODUCTS];
    const int count = add_products(pass, products);
    matrix_sizes largest = {0};
    for (int i = 0; i < count; i++) {
        const matrix_sizes sizes = sizes_of(pass, &products[i]);
        largest.rows = MAX(largest.rows, sizes.rows);
        largest.columns = MAX(largest.columns, sizes.columns);
        largest.depth = MAX(largest.depth, sizes.depth);
    }
    return largest;
}

/* ---- tiles ---- */

/* A GPU's unit, or NULL. */
static const rncl_matrix_unit *unit_of(const rncl_pass *pass)
{
    const rncl_matrix_unit *unit = rncl_matrix_unit_of(pass->context);
    return unit && unit->lanes > 1 ? unit : NULL;
}

static int items_of(const rncl_matrix_unit *unit, const mma_tile *t)
{
    return t->sr * t->sc * unit->lanes;
}

/* Floats of a load of the left and right matrices: both run along channels. */
typedef struct load_widths {
    int left, right;
} load_widths;

static load_widths widths_of(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const int of_c = c->c % 4 ? 1 : 4, of_k = c->k % 4 ? 1 : 4;
    return pass->index == RNCL_CONV_BACKWARD_DATA ? (load_widths){of_k, of_k} : (load_widths){of_c, of_k};
}

/* Words of a tile in local memory; see kernels/conv/mma_tile.clh. */
static size_t tile_words(int along, bool tensor_along, int width, int tk)
{
    const bool runs_along = along < 0 ? tensor_along : along;
    return runs_along ? (size_t)width * (size_t)(tk + 4) : (size_t)tk * (size_t)(width + 8);
}

static size_t local_bytes(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_matrix_unit *unit = unit_of(pass);
    const size_t words =
        tile_words(unit->left_along, !conv_is_dfilter(pass), t->sr * t->fr * unit->m, t->tk) +
        tile_words(unit->right_along, pass->index == RNCL_CONV_BACKWARD_DATA, t->sc * t->fc * unit->n, t->tk);
    const size_t places = 4 * (size_t)(t->tk * unit->pack);
    /* Emulated fragments hold at most 16 words of each lane. */
    const size_t exchanged = pass->context->matrix.emulated ? 16 * (size_t)items_of(unit, t) : 0;
    return 4 * (2 * words + 2 * places + exchanged);
}

/* Whether work-items share the loads of a tile of `width` rows or columns evenly. */
static bool loads_fit(const rncl_matrix_unit *unit, const mma_tile *t, int width, bool along, int vw)
{
    const int values = along ? MAX(vw, unit->pack) : vw;
    const int units = along ? width * t->tk * unit->pack / values : width * t->tk / values;
    return width % vw == 0 && t->tk * unit->pack % values == 0 && units % items_of(unit, t) == 0;
}

static bool tile_is_possible(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_matrix_unit *unit = unit_of(pass);
    const load_widths widths = widths_of(pass);
    return t->tk % unit->words == 0 && (size_t)items_of(unit, t) <= pass->context->info.max_work_group_size &&
           local_bytes(pass, t) <= pass->context->info.local_memory &&
           loads_fit(unit, t, t->sr * t->fr * unit->m, !conv_is_dfilter(pass), widths.left) &&
           loads_fit(unit, t, t->sc * t->fc * unit->n, pass->index == RNCL_CONV_BACKWARD_DATA, widths.right);
}

/* Preset tiles: as large as sums and fragments stay in registers in all passes, without spills, as compiled
 * for sm_80, sm_90, gfx1100 and gfx90a (LLVM 19), dg2 and pvc (IGC 1.0.12504). */
typedef struct preset_tiles {
    int unit;
    mma_tile wide, narrow; /* for more than 64 columns, and for fewer */
} preset_tiles;

static const preset_tiles presets[] = {
    {RNCL_UNIT_NVIDIA_TF32, {2, 4, 4, 4, 16}, {4, 2, 2, 4, 16}},
    {RNCL_UNIT_NVIDIA_BF16, {2, 4, 4, 4, 16}, {4, 2, 2, 4, 16}},
    {RNCL_UNIT_AMD_WMMA_BF16, {2, 4, 4, 2, 16}, {4, 2, 2, 2, 16}},
    {RNCL_UNIT_AMD_MFMA_F32, {2, 2, 4, 4, 8}, {2, 1, 4, 4, 8}},
    {RNCL_UNIT_AMD_MFMA_BF16, {2, 2, 4, 4, 8}, {2, 1, 4, 4, 8}},
    {RNCL_UNIT_INTEL_BF16_8, {4, 4, 2, 2, 8}, {4, 4, 2, 2, 8}},
    {RNCL_UNIT_INTEL_BF16_16, {4, 4, 2, 2, 8}, {4, 2, 2, 2, 8}},
    {RNCL_UNIT_INTEL_TF32_16, {4, 4, 2, 2, 8}, {4, 2, 2, 2, 8}},
};
static const mma_tile small_tile = {1, 1, 1, 2, 16}, emulated_tile = {1, 2, 2, 1, 16};

static mma_tile preset_tile(const rncl_pass *pass)
{
    const int unit = unit_of(pass)->id;
    if (pass->context->matrix.emulated)
        return emulated_tile;
    const preset_tiles *preset = presets;
    while (preset->unit != unit)
        preset++;
    if (largest_sizes(pass).columns > 64 && tile_is_possible(pass, &preset->wide))
        return preset->wide;
    return tile_is_possible(pass, &preset->narrow) ? preset->narrow : small_tile;
}

static size_t result_floats(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const size_t x = (size_t)c->n * (size_t)c->h * (size_t)c->w * (size_t)c->c,
                 y = (size_t)c->n * (size_t)c->p * (size_t)c->q * (size_t)c->k;
    return conv_is_dfilter(pass) ? conv_filter_floats(c) : pass->index == RNCL_CONV_FORWARD ? y : x;
}

static int preset_split(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_matrix_unit *unit = unit_of(pass);
    const matrix_sizes sizes = largest_sizes(pass);
    const int groups = rncl_ceil_div(sizes.rows, t->sr * t->fr * unit->m) *
                       rncl_ceil_div(sizes.columns, t->sc * t->fc * unit->n);
    const int wanted = GROUPS_A_UNIT * (int)pass->context->info.compute_units;
    int split = 1;
    while (split < MOST_SHARES && split * groups < wanted &&
           sizes.depth / (2 * split) >= 4 * t->tk * unit->pack)
        split *= 2;
    return split;
}

/* ---- the row ---- */

/* Offsets are 32-bit numbers. */
static bool mma_supports(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const double x = (double)c->n * c->h * c->w * c->c, y = (double)c->n * c->p * c->q * c->k;
    const rncl_matrix_unit *unit = unit_of(pass);
    return unit && x < INT_MAX && y < INT_MAX && (double)conv_filter_floats(c) < INT_MAX &&
           (pass->index != RNCL_CONV_BACKWARD_DATA || c->stride <= MOST_STRIDE) &&
           tile_is_possible(pass, pass->context->matrix.emulated ? &emulated_tile : &small_tile);
}

static void mma_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int counts[] = {1, 2, 4}, depths[] = {8, 16, 32}, splits[] = {1, 2, 4, 8, 16, 32, 64};
    const mma_tile tile = preset_tile(pass);
    /* Emulated tiles stay small: drivers of CPUs unroll barriers slowly. */
    const size_t most = pass->context->matrix.emulated ? 2 : 3;
    rncl_knobs_add(knobs, knob_names[SR], tile.sr, counts, most);
    rncl_knobs_add(knobs, knob_names[SC], tile.sc, counts, most);
    rncl_knobs_add(knobs, knob_names[FR], tile.fr, counts, most);
    rncl_knobs_add(knobs, knob_names[FC], tile.fc, counts, most);
    rncl_knobs_add(knobs, knob_names[TK], tile.tk, depths, most);
    rncl_knobs_add(knobs, knob_names[SPLIT], preset_split(pass, &tile), splits, COUNT(splits));
}

static mma_tile tile_of(const int *values)
{
    return (mma_tile){values[SR], values[SC], values[FR], values[FC], values[TK]};
}

static bool mma_allows(const rncl_pass *pass)
{
    const mma_tile tile = tile_of(pass->values);
    return tile_is_possible(pass, &tile) &&
           pass->values[SPLIT] <=
               MAX(1, rncl_ceil_div(largest_sizes(pass).depth, tile.tk * unit_of(pass)->pack));
}

static double mma_rounding(const rncl_pass *pass)
{
    const rncl_matrix_unit *unit = unit_of(pass);
    return rncl_matrix_unit_products(unit, pass->context->precision) == 3
               ? 0.0
               : rncl_precision_rounding(unit->rounds_to);
}

static rncl_status mma_plan(rncl_pass *pass)
{
    mma_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a convolution on matrix units");
    data->product_count = add_products(pass, data->products);
    data->tile = tile_of(pass->values);
    const size_t floats = result_floats(pass);
    data->sums = (partial_sums){.parts = pass->values[SPLIT], .vw = floats % 4 ? 1 : 4, .floats = floats};
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    return RNCL_OK;
}

static rncl_status mma_build(rncl_pass *pass)
{
    mma_data *data = pass->data;
    const rncl_matrix_unit *unit = unit_of(pass);
    const load_widths widths = widths_of(pass);
    char options[RNCL_OPTIONS_SIZE], of_unit[RNCL_MATRIX_OPTIONS];
    rncl_matrix_unit_options(pass->context, unit, of_unit);
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DPASS=%d -DPRODUCTS=%d -DLEFT_VW=%d -DRIGHT_VW=%d %s",
                      pass->index, rncl_matrix_unit_products(unit, pass->context->precision), widths.left,
                      widths.right, of_unit);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/mma", options, "conv_mma", &data->kernel));
    RNCL_TRY(rncl_kernel_require(pass->context, &data->kernel, (size_t)items_of(unit, &data->tile)));
    return partial_sums_build(pass, &data->sums);
}

static rncl_status enqueue_product(const rncl_pass *pass, const rncl_mma_shape *shape,
                                   const rncl_op_buffers *b, const cl_mem *result, bool accumulate)
{
    const mma_data *data = pass->data;
    const rncl_matrix_unit *unit = unit_of(pass);
    const mma_tile *t = &data->tile;
    const matrix_sizes sizes = sizes_of(pass, shape);
    const size_t items = (size_t)items_of(unit, t);
    const rncl_range range = {
        .global = {items * (size_t)rncl_ceil_div(sizes.columns, t->sc * t->fc * unit->n),
                   (size_t)rncl_ceil_div(sizes.rows, t->sr * t->fr * unit->m), (size_t)data->sums.parts},
        .local = {items, 1, 1},
    };
    const cl_mem *left = conv_is_dfilter(pass) ? &b->x : conv_input(pass, b);
    const cl_mem *right = conv_is_dfilter(pass) ? &b->dy : &b->weight;
    return rncl_launch(pass->context, &data->kernel, range, RNCL_STRUCT(*shape), RNCL_BUFFER(*left),
                       RNCL_BUFFER(*right), RNCL_BUFFER(*result), RNCL_INT(accumulate));
}

static rncl_status mma_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const mma_data *data = pass->data;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const cl_mem *result = conv_is_dfilter(pass) ? &b->dweight : conv_output(pass, b);
    const cl_mem *target = partial_sums_target(&data->sums, result, &b->workspace);
    for (int i = 0; i < data->product_count; i++)
        RNCL_TRY(enqueue_product(pass, &data->products[i], b, target,
                                 partial_sums_accumulate(&data->sums, accumulate)));
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
