/* Winograd's convolution in separate stages (kernels/conv/staged_winograd.cl), all three passes: transform
 * the tiles, multiply for each position in the transformed domain, transform back. Images go through in
 * groups, so that what is between the stages stays small. */
#include <stdio.h>
#include <stdlib.h>

#include "tile_product.h"
#include "util.h"
#include "winograd_tiles.h"

/* What lies between the stages: that of a group of images, and the shares of the filter gradient's sums. */
enum { GROUP_BYTES = 64 << 20, SHARES_BYTES = 64 << 20 };

typedef struct staged_data {
    int m, vw, items, images;      /* the knobs */
    int gradients_at, products_at; /* floats, in the workspace after the inputs */
    tile_product product;
    rncl_kernel transform;       /* what the first operand of the products is made by: inputs, */
    rncl_kernel transform_other; /* the second: filters or gradients, */
    rncl_kernel transform_back;  /* and what is made of the products: outputs or dfilter */
} staged_data;

/* The order of the knobs; the product's follow. */
enum { SIZE, VECTOR, ITEMS, IMAGES, PRODUCT };

static bool is_filter_gradient(const rncl_conv_plan *plan)
{
    return plan->pass == RNCL_CONV_BACKWARD_FILTER;
}

/* The tiles of so many images. */
static rncl_winograd_shape group_of(const rncl_conv_plan *plan, int m, int images)
{
    rncl_winograd_shape group = winograd_shape_of(plan);
    group.n = images;
    group.tiles = winograd_tile_count(&group, winograd_tiling_of(plan, m).tile);
    return group;
}

/* The products over these tiles: 1x1 convolutions whose pixels the tiles are. */
static tile_problem problem_of(const rncl_conv_plan *plan, int m, int tiles)
{
    return (tile_problem){
        .shape = {.n = 1,
                  .h = tiles,
                  .w = 1,
                  .c = plan->shape.c,
                  .k = plan->shape.k,
                  .r = 1,
                  .s = 1,
                  .stride = 1,
                  .p = tiles,
                  .q = 1},
        .pass = plan->pass,
        .batch = winograd_tiling_of(plan, m).positions,
    };
}

static size_t group_bytes(const rncl_conv_plan *plan, int m, int images)
{
    const rncl_winograd_shape group = group_of(plan, m, MIN(images, plan->shape.n));
    return sizeof(float) * (size_t)winograd_tiling_of(plan, m).positions * (size_t)group.tiles *
           (size_t)(group.c + group.k);
}

static size_t shares_bytes(const rncl_conv_plan *plan, int m, int shares)
{
    return sizeof(float) * (size_t)winograd_tiling_of(plan, m).positions * (size_t)shares *
           (size_t)plan->shape.c * (size_t)plan->shape.k;
}

static bool staged_supports(const rncl_conv_plan *plan)
{
    return winograd_is_possible(plan) && tile_product_is_possible(plan->context) &&
           group_bytes(plan, 4, 1) <= GROUP_BYTES && shares_bytes(plan, 4, 1) <= SHARES_BYTES;
}

/* The stages write and read again 36 values of each tile and channel, and the filters nearly as many. That
 * has to be worth the multiplications saved, by which C and K should be about 64 at least. GPUs do some 30
 * operations in the time of one byte, and products of matrices reach two thirds of that. */
static bool staged_pays(const rncl_conv_plan *plan)
{
    enum { OPERATIONS_A_BYTE = 20, POSITIONS = 36 };
    const rncl_winograd_shape all = group_of(plan, 4, plan->shape.n);
    double channels = (double)all.c * all.k, outputs = (double)all.n * all.p * all.q;
    double saved = 2.0 * channels * (9.0 * outputs - POSITIONS * (double)all.tiles);
    double values = 2.0 * POSITIONS * (double)all.tiles * (all.c + all.k) + (POSITIONS + 9) * channels;
    return saved >= OPERATIONS_A_BYTE * sizeof(float) * values;
}

static int preset_images(const rncl_conv_plan *plan)
{
    int images = 1;
    while (images < MIN(plan->shape.n, 256) && group_bytes(plan, 4, 2 * images) <= GROUP_BYTES)
        images *= 2;
    return images;
}

/* A tile and its half-way transform are 72 registers for each channel: with one channel a work-item, GPUs
 * that have 65536 a multiprocessor still keep 500 work-items there, enough to wait for memory. F(4x4, 3x3)
 * because cuDNN's Winograd in stages (WINOGRAD_NONFUSED) has tiles of that size; the products' presets are
 * implicit_gemm's. */
static void staged_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 4}, items[] = {64, 128, 256};
    static const int image_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
    const rncl_winograd_shape group = group_of(plan, 4, MIN(preset_images(plan), plan->shape.n));
    const tile_problem problem = problem_of(plan, 4, group.tiles);
    winograd_add_m_knob(plan, knobs);
    rncl_knobs_add(knobs, "vw", 1, vectors, COUNT(vectors));
    rncl_knobs_add(knobs, "items", 64, items, COUNT(items));
    rncl_knobs_add(knobs, "images", preset_images(plan), image_counts, COUNT(image_counts));
    tile_product_add_knobs(plan->context, &problem, knobs);
}

static bool staged_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    const rncl_winograd_shape group = group_of(plan, v[SIZE], MIN(v[IMAGES], plan->shape.n));
    const tile_problem problem = problem_of(plan, v[SIZE], group.tiles);
    return group.c % v[VECTOR] == 0 && group.k % v[VECTOR] == 0 && v[IMAGES] < 2 * plan->shape.n &&
           (size_t)v[ITEMS] <= plan->context->info.max_work_group_size &&
           tile_product_allows(plan->context, &problem, v + PRODUCT) &&
           group_bytes(plan, v[SIZE], v[IMAGES]) <= GROUP_BYTES &&
           shares_bytes(plan, v[SIZE], tile_product_of(v + PRODUCT).split) <= SHARES_BYTES;
}

static rncl_status staged_plan(rncl_conv_plan *plan)
{
    staged_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a staged Winograd convolution");
    const int *v = plan->values;
    data->m = v[SIZE];
    data->vw = v[VECTOR];
    data->items = v[ITEMS];
    data->images = MIN(v[IMAGES], plan->shape.n);
    data->product = tile_product_of(v + PRODUCT);
    const rncl_winograd_shape group = group_of(plan, data->m, data->images);
    data->gradients_at = winograd_tiling_of(plan, data->m).positions * group.tiles * group.c;
    data->products_at = data->gradients_at;
    plan->workspace_bytes = group_bytes(plan, data->m, data->images);
    if (is_filter_gradient(plan)) {
        data->products_at += winograd_tiling_of(plan, data->m).positions * group.tiles * group.k;
        plan->workspace_bytes += shares_bytes(plan, data->m, data->product.split);
    } else {
        plan->packed_floats = shares_bytes(plan, data->m, 1) / sizeof(float);
    }
    return RNCL_OK;
}

static rncl_status staged_build(rncl_conv_plan *plan)
{
    staged_data *data = plan->data;
    bool filter = is_filter_gradient(plan);
    const tile_problem problem = problem_of(plan, data->m, 1);
    const struct {
        const char *name;
        rncl_kernel *kernel;
    } kernels[] = {
        {"conv_staged_inputs", &data->transform},
        {filter ? "conv_staged_dy" : "conv_staged_filters", &data->transform_other},
        {filter ? "conv_staged_dfilter" : "conv_staged_outputs", &data->transform_back},
    };
    char options[32];
    snprintf(options, sizeof options, "-DM=%d -DVW=%d", data->m, data->vw);
    for (size_t i = 0; i < COUNT(kernels); i++)
        RNCL_TRY(rncl_kernel_create(plan->context, "conv/staged_winograd", options, kernels[i].name,
                                    kernels[i].kernel));
    return tile_product_build(plan->context, &problem, &data->product);
}

/* One work-item for each vector of so many values. */
static rncl_range range_of(const staged_data *data, int values)
{
    size_t items = (size_t)data->items;
    return (rncl_range){.global = {rncl_round_up((size_t)(values / data->vw), items)},
                        .local = {items, 1, 1}};
}

static rncl_status staged_prepare(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const staged_data *data = plan->data;
    int count = plan->shape.c * plan->shape.k;
    return rncl_launch(plan->context, &data->transform_other, range_of(data, count), RNCL_INT(count),
                       RNCL_INT(plan->pass == RNCL_CONV_BACKWARD_DATA), RNCL_BUFFER(buffers->filter),
                       RNCL_BUFFER(buffers->packed), RNCL_INT((cl_int)buffers->packed_offset));
}

/* A group of images: `shape` is its own, `first` its first image. */
typedef struct staged_group {
    rncl_winograd_shape shape;
    int first;
} staged_group;

static rncl_status enqueue_inputs(rncl_conv_plan *plan, const rncl_conv_buffers *buffers,
                                  const staged_group *group)
{
    const staged_data *data = plan->data;
    const cl_mem *x = plan->pass == RNCL_CONV_BACKWARD_DATA ? &buffers->y : &buffers->x;
    return rncl_launch(plan->context, &data->transform, range_of(data, group->shape.tiles * group->shape.c),
                       RNCL_STRUCT(group->shape), RNCL_INT(group->first), RNCL_BUFFER(*x),
                       RNCL_BUFFER(buffers->workspace));
}

/* Forward and input gradient. */
static rncl_status enqueue_images(rncl_conv_plan *plan, const rncl_conv_buffers *buffers,
                                  const staged_group *group)
{
    const staged_data *data = plan->data;
    const tile_problem problem = problem_of(plan, data->m, group->shape.tiles);
    const tile_operands operands = {
        .left = buffers->workspace,
        .right = buffers->packed,
        .right_offset = buffers->packed_offset,
        .result = buffers->workspace,
        .result_offset = (size_t)data->products_at,
    };
    const cl_mem *y = plan->pass == RNCL_CONV_BACKWARD_DATA ? &buffers->x : &buffers->y;
    RNCL_TRY(enqueue_inputs(plan, buffers, group));
    RNCL_TRY(tile_product_enqueue(plan->context, &data->product, &problem, &operands));
    return rncl_launch(plan->context, &data->transform_back,
                       range_of(data, group->shape.tiles * group->shape.k), RNCL_STRUCT(group->shape),
                       RNCL_INT(group->first), RNCL_BUFFER(buffers->workspace), RNCL_INT(data->products_at),
                       RNCL_BUFFER(*y), RNCL_INT(buffers->accumulate));
}

static rncl_status enqueue_filter(rncl_conv_plan *plan, const rncl_conv_buffers *buffers,
                                  const staged_group *group)
{
    const staged_data *data = plan->data;
    const tile_problem problem = problem_of(plan, data->m, group->shape.tiles);
    const tile_operands operands = {
        .left = buffers->workspace,
        .right = buffers->workspace,
        .right_offset = (size_t)data->gradients_at,
        .result = buffers->workspace,
        .result_offset = (size_t)data->products_at,
    };
    int count = plan->shape.c * plan->shape.k;
    RNCL_TRY(enqueue_inputs(plan, buffers, group));
    RNCL_TRY(rncl_launch(plan->context, &data->transform_other,
                         range_of(data, group->shape.tiles * group->shape.k), RNCL_STRUCT(group->shape),
                         RNCL_INT(group->first), RNCL_BUFFER(buffers->y), RNCL_BUFFER(buffers->workspace),
                         RNCL_INT(data->gradients_at)));
    RNCL_TRY(tile_product_enqueue(plan->context, &data->product, &problem, &operands));
    return rncl_launch(plan->context, &data->transform_back, range_of(data, count), RNCL_INT(count),
                       RNCL_INT(data->product.split), RNCL_BUFFER(buffers->workspace),
                       RNCL_INT(data->products_at), RNCL_BUFFER(buffers->filter),
                       RNCL_INT(buffers->accumulate || group->first > 0));
}

static rncl_status staged_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const staged_data *data = plan->data;
    for (int first = 0; first < plan->shape.n; first += data->images) {
        const staged_group group = {
            .shape = group_of(plan, data->m, MIN(data->images, plan->shape.n - first)), .first = first};
        RNCL_TRY(is_filter_gradient(plan) ? enqueue_filter(plan, buffers, &group)
                                          : enqueue_images(plan, buffers, &group));
    }
    return RNCL_OK;
}

static void staged_destroy(rncl_conv_plan *plan)
{
    staged_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->transform);
    rncl_kernel_fini(&data->transform_other);
    rncl_kernel_fini(&data->transform_back);
    rncl_kernel_fini(&data->product.kernel);
    free(data);
}

const rncl_conv_algorithm rncl_conv_staged_winograd = {
    .name = "staged_winograd",
    .kernels = "conv/staged_winograd conv/winograd.clh conv/implicit_gemm",
    .supports = staged_supports,
    .pays = staged_pays,
    .knobs = staged_knobs,
    .allows = staged_allows,
    .plan = staged_plan,
    .build = staged_build,
    .prepare = staged_prepare,
    .enqueue = staged_enqueue,
    .destroy = staged_destroy,
};
