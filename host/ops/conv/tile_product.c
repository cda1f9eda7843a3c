/* Tiles in local memory: their knobs, presets and launch. */
#include "tile_product.h"

#include "util.h"

RNCL_DECLARE_KNOBS(TILE_PRODUCT_KNOBS)

/* Preset tiles: roughly those that CLBlast's database (src/database/kernels/xgemm, version 1.5) has for
 * most devices of a vendor, with large register blocks as in dlprimitives. The tile for all others fits
 * into 32 KiB of local memory and 64 work-items. */
static const tile_product large = {.tm = 128, .tn = 64, .tk = 16, .rm = 8, .rn = 4},
                          medium = {.tm = 64, .tn = 64, .tk = 16, .rm = 8, .rn = 4},
                          small = {.tm = 32, .tn = 32, .tk = 16, .rm = 4, .rn = 4};

static const tile_product *const family_tiles[RNCL_GPU_FAMILIES] = {
    [RNCL_GPU_OTHER] = &small,  [RNCL_GPU_NVIDIA] = &large,  [RNCL_GPU_GCN] = &large,
    [RNCL_GPU_CDNA] = &large,   [RNCL_GPU_RDNA] = &large,    [RNCL_GPU_INTEL_GEN] = &medium,
    [RNCL_GPU_XE_LP] = &medium, [RNCL_GPU_XE_HPG] = &medium, [RNCL_GPU_XE_HPC] = &medium,
    [RNCL_GPU_APPLE] = &medium, [RNCL_GPU_MALI] = &small,    [RNCL_GPU_ADRENO] = &small,
};

typedef struct matrix_sizes {
    int rows, columns, depth;
    int left_along, right_along; /* channels along which loads are contiguous */
} matrix_sizes;

static matrix_sizes sizes_of(const tile_problem *problem)
{
    const rncl_conv_shape *c = &problem->shape;
    int taps = c->r * c->s;
    const matrix_sizes sizes[] = {
        [RNCL_CONV_FORWARD] = {c->n * c->p * c->q, c->k, taps * c->c, c->c, c->k},
        [RNCL_CONV_BACKWARD_DATA] = {c->n * c->h * c->w, c->c, taps * c->k, c->k, c->k},
        [RNCL_CONV_BACKWARD_FILTER] = {taps * c->c, c->k, c->n * c->p * c->q, c->c, c->k},
    };
    return sizes[problem->pass];
}

bool tile_product_is_possible(const rncl_context *context)
{
    return context->info.max_work_group_size >= 64;
}

static int items_of(const tile_product *tile)
{
    return tile->tm / tile->rm * (tile->tn / tile->rn);
}

static size_t local_bytes(const tile_product *tile)
{
    return sizeof(float) * 2 * (size_t)tile->tk * (size_t)(tile->tm + tile->tn);
}

static bool tile_fits(const rncl_context *context, const tile_product *tile)
{
    return (size_t)items_of(tile) <= context->info.max_work_group_size &&
           local_bytes(tile) <= (size_t)context->info.local_memory;
}

static const tile_product *preset_tile(const rncl_context *context)
{
    const tile_product *tile = family_tiles[context->gpu.family];
    return tile_fits(context, tile) ? tile : &small;
}

/* Whether every work-item loads the same number of whole vectors of a tile, each within one tap's
 * channels. */
static bool loads_fit(const matrix_sizes *sizes, const tile_product *tile, int vw)
{
    int unit = vw * items_of(tile);
    return sizes->left_along % vw == 0 && sizes->right_along % vw == 0 && tile->tk % vw == 0 &&
           tile->tm * tile->tk % unit == 0 && tile->tn * tile->tk % unit == 0;
}

/* The filter gradient has few results, each a sum over the whole batch: its depth is split until there are
 * work-groups for all compute units. */
static int preset_split(const rncl_context *context, const tile_problem *problem, const tile_product *tile)
{
    const matrix_sizes sizes = sizes_of(problem);
    int groups =
        problem->batch * rncl_ceil_div(sizes.rows, tile->tm) * rncl_ceil_div(sizes.columns, tile->tn);
    int split = 1, wanted = 4 * (int)context->info.compute_units;
    while (problem->pass == RNCL_CONV_BACKWARD_FILTER && split < 64 && split * groups < wanted &&
           sizes.depth / (2 * split) >= 4 * tile->tk)
        split *= 2;
    return split;
}

void tile_product_add_knobs(const rncl_context *context, const tile_problem *problem, rncl_knobs *knobs)
{
    static const int sides[] = {16, 32, 64, 128}, depths[] = {8, 16, 32}, blocks[] = {2, 4, 8},
                     widths[] = {1, 2, 4};
    static const int splits[] = {1, 2, 4, 8, 16, 32, 64};
    const matrix_sizes sizes = sizes_of(problem);
    const tile_product *tile = preset_tile(context);
    int vw = 4;
    while (vw > 1 && !loads_fit(&sizes, tile, vw))
        vw /= 2;
    rncl_knobs_add(knobs, knob_names[TM], tile->tm, sides, COUNT(sides));
    rncl_knobs_add(knobs, knob_names[TN], tile->tn, sides, COUNT(sides));
    rncl_knobs_add(knobs, knob_names[TK], tile->tk, depths, COUNT(depths));
    rncl_knobs_add(knobs, knob_names[RM], tile->rm, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, knob_names[RN], tile->rn, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, knob_names[LOAD], vw, widths, COUNT(widths));
    rncl_knobs_add(knobs, knob_names[SPLIT], preset_split(context, problem, tile), splits, COUNT(splits));
}

tile_product tile_product_of(const int *values)
{
    return (tile_product){.tm = values[TM],
                          .tn = values[TN],
                          .tk = values[TK],
                          .rm = values[RM],
                          .rn = values[RN],
                          .vw = values[LOAD],
                          .split = values[SPLIT]};
}

bool tile_product_allows(const rncl_context *context, const tile_problem *problem, const int *values)
{
    const tile_product product = tile_product_of(values);
    const matrix_sizes sizes = sizes_of(problem);
    return tile_fits(context, &product) && loads_fit(&sizes, &product, product.vw) &&
           (product.split == 1 || problem->pass == RNCL_CONV_BACKWARD_FILTER) &&
           product.split <= rncl_ceil_div(sizes.depth, product.tk);
}

size_t tile_product_floats(const tile_problem *problem)
{
    const matrix_sizes sizes = sizes_of(problem);
    return (size_t)problem->batch * (size_t)sizes.rows * (size_t)sizes.columns;
}

rncl_status tile_product_build(const rncl_pass *pass, int first, const tile_problem *problem,
                               tile_product *product)
{
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, first, KNOB_COUNT, options, "-DPASS=%d -DPOINTWISE=%d", problem->pass,
                      conv_is_product(&problem->shape));
    return rncl_pass_kernel(pass, "conv/implicit_gemm", options, "conv_implicit_gemm", &product->kernel);
}

rncl_status tile_product_enqueue(rncl_context *context, const tile_product *product,
                                 const tile_problem *problem, const tile_operands *operands)
{
    const matrix_sizes sizes = sizes_of(problem);
    size_t across = (size_t)(product->tn / product->rn), down = (size_t)(product->tm / product->rm);
    rncl_range range = {
        .global = {across * (size_t)rncl_ceil_div(sizes.columns, product->tn),
                   down * (size_t)rncl_ceil_div(sizes.rows, product->tm),
                   (size_t)problem->batch * (size_t)product->split},
        .local = {across, down, 1},
    };
    return rncl_launch(context, &product->kernel, range, RNCL_STRUCT(problem->shape),
                       RNCL_INT(problem->batch), RNCL_BUFFER(operands->left), RNCL_BUFFER(operands->right),
                       RNCL_INT((cl_int)operands->right_offset), RNCL_BUFFER(operands->result),
                       RNCL_INT((cl_int)operands->result_offset), RNCL_INT(operands->accumulate));
}
