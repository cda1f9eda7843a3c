/* Convolution as a product of matrices in tiles of local memory (kernels/conv_implicit_gemm.cl): what GPUs
 * want. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "launch.h"
#include "util.h"

/* As in conv_implicit_gemm.cl. */
typedef struct gemm_tile {
    int tm, tn, tk, rm, rn;
} gemm_tile;

typedef struct implicit_data {
    gemm_tile tile;
    int vw, split; /* shares of the depth */
    rncl_kernel multiply, reduce;
} implicit_data;

/* The order of the knobs. */
enum { TM, TN, TK, RM, RN, LOAD, SPLIT };

/* Untuned tiles: about what CLBlast's database (src/database/kernels/xgemm, version 1.5) has for most devices
 * of a vendor, and dlprimitives' 8x8 a work-item on devices with many registers. The last row is for all
 * others: small enough for 32 KiB of local memory and 64 work-items. */
static const struct {
    const char *vendor;
    gemm_tile tile;
} vendor_tiles[] = {
    {"NVIDIA", {128, 64, 16, 8, 4}}, {"Advanced Micro Devices", {128, 64, 16, 8, 4}},
    {"Intel", {64, 64, 16, 8, 4}},   {"Apple", {64, 64, 16, 8, 4}},
    {"", {32, 32, 16, 4, 4}},
};

typedef struct matrix_sizes {
    int rows, columns, depth;
    int left_along, right_along; /* channels that loads run along */
} matrix_sizes;

static matrix_sizes sizes_of(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    int taps = c->r * c->s;
    const matrix_sizes sizes[] = {
        [RNCL_CONV_FORWARD] = {c->n * c->p * c->q, c->k, taps * c->c, c->c, c->k},
        [RNCL_CONV_BACKWARD_DATA] = {c->n * c->h * c->w, c->c, taps * c->k, c->k, c->k},
        [RNCL_CONV_BACKWARD_FILTER] = {taps * c->c, c->k, c->n * c->p * c->q, c->c, c->k},
    };
    return sizes[plan->pass];
}

static bool implicit_supports(const rncl_conv_plan *plan)
{
    return plan->context->info.max_work_group_size >= 64;
}

static int items_of(const gemm_tile *tile)
{
    return tile->tm / tile->rm * (tile->tn / tile->rn);
}

static size_t local_bytes(const gemm_tile *tile)
{
    return sizeof(float) * 2 * (size_t)tile->tk * (size_t)(tile->tm + tile->tn);
}

static bool tile_fits(const rncl_context *context, const gemm_tile *tile)
{
    return (size_t)items_of(tile) <= context->info.max_work_group_size &&
           local_bytes(tile) <= (size_t)context->info.local_memory;
}

static const gemm_tile *preset_tile(const rncl_context *context)
{
    size_t i = 0;
    while (i + 1 < COUNT(vendor_tiles) && (!strstr(context->info.vendor, vendor_tiles[i].vendor) ||
                                           !tile_fits(context, &vendor_tiles[i].tile)))
        i++;
    return &vendor_tiles[i].tile;
}

static int groups_of(const matrix_sizes *sizes, const gemm_tile *tile)
{
    return rncl_ceil_div(sizes->rows, tile->tm) * rncl_ceil_div(sizes->columns, tile->tn);
}

/* Loads of a tile are whole for all work-items and stay within one tap's channels. */
static bool loads_fit(const matrix_sizes *sizes, const gemm_tile *tile, int vw)
{
    int unit = vw * items_of(tile);
    return sizes->left_along % vw == 0 && sizes->right_along % vw == 0 && tile->tk % vw == 0 &&
           tile->tm * tile->tk % unit == 0 && tile->tn * tile->tk % unit == 0;
}

/* The filter gradient has few results, each a sum over the whole batch: its depth is shared until there is a
 * group or more for each compute unit. */
static int preset_split(const rncl_conv_plan *plan, const matrix_sizes *sizes, const gemm_tile *tile)
{
    int split = 1, wanted = 4 * (int)plan->context->info.compute_units;
    while (plan->pass == RNCL_CONV_BACKWARD_FILTER && split < 64 && split * groups_of(sizes, tile) < wanted &&
           sizes->depth / (2 * split) >= 4 * tile->tk)
        split *= 2;
    return split;
}

static void implicit_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int sides[] = {16, 32, 64, 128}, depths[] = {8, 16, 32}, blocks[] = {2, 4, 8},
                     widths[] = {1, 2, 4};
    static const int splits[] = {1, 2, 4, 8, 16, 32, 64};
    const matrix_sizes sizes = sizes_of(plan);
    const gemm_tile *tile = preset_tile(plan->context);
    int vw = 4;
    while (vw > 1 && !loads_fit(&sizes, tile, vw))
        vw /= 2;
    rncl_knobs_add(knobs, "tm", tile->tm, sides, COUNT(sides));
    rncl_knobs_add(knobs, "tn", tile->tn, sides, COUNT(sides));
    rncl_knobs_add(knobs, "tk", tile->tk, depths, COUNT(depths));
    rncl_knobs_add(knobs, "rm", tile->rm, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, "rn", tile->rn, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, "load", vw, widths, COUNT(widths));
    rncl_knobs_add(knobs, "split", preset_split(plan, &sizes, tile), splits, COUNT(splits));
}

static gemm_tile tile_of(const int *values)
{
    return (gemm_tile){
        .tm = values[TM], .tn = values[TN], .tk = values[TK], .rm = values[RM], .rn = values[RN]};
}

static bool implicit_allows(const rncl_conv_plan *plan)
{
    const gemm_tile tile = tile_of(plan->values);
    const matrix_sizes sizes = sizes_of(plan);
    return tile_fits(plan->context, &tile) && loads_fit(&sizes, &tile, plan->values[LOAD]) &&
           (plan->values[SPLIT] == 1 || plan->pass == RNCL_CONV_BACKWARD_FILTER) &&
           plan->values[SPLIT] <= rncl_ceil_div(sizes.depth, tile.tk);
}

static rncl_status implicit_plan(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of an implicit GEMM");
    const matrix_sizes sizes = sizes_of(plan);
    data->tile = tile_of(plan->values);
    data->vw = plan->values[LOAD];
    data->split = plan->values[SPLIT];
    if (data->split > 1)
        plan->workspace_bytes =
            sizeof(float) * (size_t)data->split * (size_t)sizes.rows * (size_t)sizes.columns;
    return RNCL_OK;
}

static rncl_status implicit_build(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data;
    const gemm_tile *tile = &data->tile;
    char options[128];
    snprintf(options, sizeof options, "-DPASS=%d -DTM=%d -DTN=%d -DTK=%d -DRM=%d -DRN=%d -DVW=%d",
             (int)plan->pass, tile->tm, tile->tn, tile->tk, tile->rm, tile->rn, data->vw);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv_implicit_gemm", options, "conv_implicit_gemm",
                                &data->multiply));
    return data->split > 1
               ? rncl_kernel_create(plan->context, "conv_reduce", "", "conv_reduce", &data->reduce)
               : RNCL_OK;
}

static rncl_status implicit_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const implicit_data *data = plan->data;
    const gemm_tile *tile = &data->tile;
    const matrix_sizes sizes = sizes_of(plan);
    const struct {
        const cl_mem *left, *right, *result;
    } matrices[] = {
        [RNCL_CONV_FORWARD] = {&buffers->x, &buffers->filter, &buffers->y},
        [RNCL_CONV_BACKWARD_DATA] = {&buffers->y, &buffers->filter, &buffers->x},
        [RNCL_CONV_BACKWARD_FILTER] = {&buffers->x, &buffers->y, &buffers->filter},
    };
    bool in_place = data->split == 1;
    const cl_mem *result = matrices[plan->pass].result;
    size_t across = (size_t)(tile->tn / tile->rn), down = (size_t)(tile->tm / tile->rm);
    rncl_range range = {
        .global = {across * (size_t)rncl_ceil_div(sizes.columns, tile->tn),
                   down * (size_t)rncl_ceil_div(sizes.rows, tile->tm), (size_t)data->split},
        .local = {across, down, 1},
    };
    RNCL_TRY(rncl_launch(plan->context, &data->multiply, range, RNCL_STRUCT(plan->shape),
                         RNCL_BUFFER(*matrices[plan->pass].left), RNCL_BUFFER(*matrices[plan->pass].right),
                         RNCL_BUFFER(*(in_place ? result : &buffers->workspace)),
                         RNCL_INT(in_place && buffers->accumulate)));
    if (in_place)
        return RNCL_OK;
    int count = sizes.rows * sizes.columns;
    range = (rncl_range){.global = {rncl_round_up((size_t)count, 64)}, .local = {64, 1, 1}};
    return rncl_launch(plan->context, &data->reduce, range, RNCL_INT(count), RNCL_INT(data->split),
                       RNCL_BUFFER(buffers->workspace), RNCL_BUFFER(*result), RNCL_INT(buffers->accumulate));
}

static void implicit_destroy(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->multiply);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_implicit_gemm = {
    .name = "implicit_gemm",
    .kernels = "conv_implicit_gemm conv_reduce",
    .exact = true,
    .supports = implicit_supports,
    .knobs = implicit_knobs,
    .allows = implicit_allows,
    .plan = implicit_plan,
    .build = implicit_build,
    .enqueue = implicit_enqueue,
    .destroy = implicit_destroy,
};
