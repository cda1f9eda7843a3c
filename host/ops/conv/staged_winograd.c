/* Winograd's convolution in separate stages (kernels/conv/staged_winograd.cl), all three passes: transform
 * the tiles, multiply for each position in the transformed domain, transform back. Images are processed in
 * groups, so that the data between the stages stays small. The products are tiles in local memory, or on
 * matrix units. */
#include <stdlib.h>

#include "mma_product.h"
#include "staged_products.h"
#include "util.h"
#include "winograd_tiles.h"

/* Limits for the data between the stages of one image, and for the filter gradient's partial sums. */
enum { IMAGE_BYTES = 64 << 20, SHARES_BYTES = 64 << 20 };

typedef struct staged_data {
    int images;                    /* of a group */
    int gradients_at, products_at; /* floats, in the workspace after the inputs */
    int shares;                    /* of the products' depth */
    int tiles_each;                /* of a work-item that transforms back to outputs */
    rncl_kernel multiply;
    rncl_kernel transform;       /* makes the products' first operand, from inputs */
    rncl_kernel transform_other; /* makes the second, from filters or gradients */
    rncl_kernel transform_back;  /* makes outputs or dfilter from the products */
} staged_data;

#define KNOBS(X)                                                                                             \
    X(SIZE, "m", "M")         /* pixels along a tile's side */                                               \
    X(VECTOR, "vw", "VW")     /* channels of a work-item of the transforms */                                \
    X(ITEMS, "items", NULL)   /* work-items of their groups */                                               \
    X(IMAGES, "images", NULL) /* images of a group */
RNCL_DECLARE_KNOBS(KNOBS)

enum { PRODUCT = KNOB_COUNT }; /* index of the products' first knob */

/* How the pass computes its products. */
static const staged_products *products_of(const rncl_pass *pass)
{
    return pass->row == &rncl_conv_mma_winograd ? &staged_products_on_units : &staged_products_in_tiles;
}

/* The shape of a group of so many images. */
static rncl_winograd_shape group_of(const rncl_pass *pass, int m, int images)
{
    rncl_winograd_shape group = winograd_shape_of(pass);
    group.n = images;
    group.tiles = winograd_tile_count(&group, winograd_tiling_of(pass, m).tile);
    return group;
}

/* The products: 1x1 convolutions with one pixel for each tile. */
static tile_problem problem_of(const rncl_pass *pass, int m, int tiles)
{
    const rncl_winograd_shape shape = winograd_shape_of(pass);
    return (tile_problem){
        .shape = {.n = 1,
                  .h = 1,
                  .w = tiles,
                  .c = shape.c,
                  .r = 1,
                  .s = 1,
                  .stride = 1,
                  .p = 1,
                  .q = tiles,
                  .k = shape.k,
                  .out_h = 1,
                  .out_w = tiles,
                  .out_stride = 1},
        .dfilter = conv_is_dfilter(pass),
        .whole = !conv_is_dfilter(pass),
        .batch = winograd_tiling_of(pass, m).positions,
    };
}

static size_t group_bytes(const rncl_pass *pass, int m, int images)
{
    const rncl_winograd_shape group = group_of(pass, m, MIN(images, pass->desc.conv.n));
    return sizeof(float) * (size_t)winograd_tiling_of(pass, m).positions * (size_t)group.tiles *
           (size_t)(group.c + group.k);
}

static size_t shares_bytes(const rncl_pass *pass, int m, int shares)
{
    return sizeof(float) * (size_t)winograd_tiling_of(pass, m).positions * (size_t)shares *
           (size_t)pass->desc.conv.c * (size_t)pass->desc.conv.k;
}

/* For the data of a group of images. A GPU with much memory also has many compute units, which large groups
 * keep busy with few launches; the workspace is then below a hundredth of its memory. */
static size_t group_limit(const rncl_context *context)
{
    const uint64_t share = context->info.global_memory / 128, most = (uint64_t)512 << 20;
    return context->device_class == RNCL_CLASS_GPU ? (size_t)MAX(MIN(share, most), IMAGE_BYTES) : IMAGE_BYTES;
}

/* Whether an image can be transformed in tiles of m x m pixels. */
static bool fits(const rncl_pass *pass, int m)
{
    return winograd_is_possible(pass) && group_bytes(pass, m, 1) <= IMAGE_BYTES &&
           shares_bytes(pass, m, 1) <= SHARES_BYTES;
}

static bool staged_supports(const rncl_pass *pass)
{
    return fits(pass, 4);
}

/* The stages write and read all positions of each tile and channel, and transformed filters. The
 * multiplications saved must outweigh that traffic. operations: that products do in the time of one byte. */
static bool saves_time(const rncl_pass *pass, int m, double operations)
{
    const double positions = winograd_tiling_of(pass, m).positions;
    const rncl_winograd_shape all = group_of(pass, m, pass->desc.conv.n);
    double channels = (double)all.c * all.k, outputs = (double)all.n * all.p * all.q;
    double saved = 2.0 * channels * (9.0 * outputs - positions * all.tiles);
    double values = 2.0 * positions * all.tiles * (all.c + all.k) + (positions + 9) * channels;
    return saved >= operations * sizeof(float) * values;
}

/* GPUs do about 30 operations in the time of one byte, and matrix products reach two thirds of that: channels
 * of about 64. */
static bool staged_pays(const rncl_pass *pass)
{
    return saves_time(pass, 4, 20);
}

static int preset_items(const rncl_pass *pass)
{
    int items = 64;
    while ((size_t)items > pass->context->info.max_work_group_size)
        items /= 2;
    return items;
}

static int preset_images(const rncl_pass *pass, int m)
{
    const size_t limit = group_limit(pass->context);
    int images = 1;
    while (images < MIN(pass->desc.conv.n, 256) && group_bytes(pass, m, 2 * images) <= limit)
        images *= 2;
    return images;
}

/* A tile and its half-way transform are 72 registers for each channel: with one channel a work-item, a GPU
 * with 65536 registers in a multiprocessor still keeps 500 work-items there, enough to hide memory
 * latency. The preset is F(4x4, 3x3), as in cuDNN's WINOGRAD_NONFUSED; the products' presets are those of
 * `tiled`. Of products with rounded operands it leaves too little: their tiles are of 2x2. */
static void staged_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int two[] = {2}, vectors[] = {1, 2, 4}, items[] = {64, 128, 256};
    static const int image_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
    int m = 2;
    if (products_of(pass)->rounds && products_of(pass)->rounds(pass))
        rncl_knobs_add(knobs, knob_names[SIZE], m, two, COUNT(two));
    else
        m = winograd_add_m_knob(pass, knob_names[SIZE], knobs);
    const int images = preset_images(pass, m);
    const rncl_winograd_shape group = group_of(pass, m, MIN(images, pass->desc.conv.n));
    const tile_problem problem = problem_of(pass, m, group.tiles);
    rncl_knobs_add(knobs, knob_names[VECTOR], 1, vectors, COUNT(vectors));
    rncl_knobs_add(knobs, knob_names[ITEMS], preset_items(pass), items, COUNT(items));
    rncl_knobs_add(knobs, knob_names[IMAGES], images, image_counts, COUNT(image_counts));
    rncl_knobs_last_is_of_batch(knobs);
    products_of(pass)->add_knobs(pass, &problem, knobs);
}

static bool staged_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const rncl_winograd_shape group = group_of(pass, v[SIZE], MIN(v[IMAGES], pass->desc.conv.n));
    const tile_problem problem = problem_of(pass, v[SIZE], group.tiles);
    return group.c % v[VECTOR] == 0 && group.k % v[VECTOR] == 0 && v[IMAGES] < 2 * pass->desc.conv.n &&
           (size_t)v[ITEMS] <= pass->context->info.max_work_group_size &&
           products_of(pass)->allows(pass, &problem, v + PRODUCT) &&
           group_bytes(pass, v[SIZE], v[IMAGES]) <= group_limit(pass->context) &&
           shares_bytes(pass, v[SIZE], products_of(pass)->shares(v + PRODUCT)) <= SHARES_BYTES;
}

/* Of a group of so many images: each makes a part of statistics or of a gradient's sums. */
static int parts_of(const rncl_pass *pass, int images)
{
    const staged_data *data = pass->data;
    return rncl_ceil_div(group_of(pass, pass->values[SIZE], images).tiles, data->tiles_each);
}

/* Of the whole batch. */
static int part_count(const rncl_pass *pass)
{
    const staged_data *data = pass->data;
    const int n = pass->desc.conv.n, rest = n % data->images;
    return n / data->images * parts_of(pass, data->images) + (rest ? parts_of(pass, rest) : 0);
}

/* Few parts are quickly added up, but a work-item's tiles come one after the other: 256 work-items a compute
 * unit have enough loads on their way to use the memory's bandwidth. */
static int tiles_of_item(const rncl_pass *pass, const rncl_winograd_shape *group)
{
    enum { MOST_TILES = 8, ITEMS_OF_UNIT = 256 };
    const double items = (double)group->tiles * group->k / pass->values[VECTOR];
    int tiles = 1;
    while (tiles < MOST_TILES &&
           items / (2 * tiles) >= ITEMS_OF_UNIT * (double)pass->context->info.compute_units)
        tiles *= 2;
    return tiles;
}

/* Whether the input gradient leaves the sums for the batch normalisation before it: where that adds no
 * residual. */
static bool leaves_sums(const rncl_pass *pass)
{
    return conv_finds_signs(pass) && !pass->choice.signs_width;
}

static rncl_status staged_plan(rncl_pass *pass)
{
    staged_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a staged Winograd convolution");
    const int *v = pass->values;
    data->images = MIN(v[IMAGES], pass->desc.conv.n);
    data->shares = products_of(pass)->shares(v + PRODUCT);
    const rncl_winograd_shape group = group_of(pass, pass->values[SIZE], data->images);
    data->gradients_at = winograd_tiling_of(pass, pass->values[SIZE]).positions * group.tiles * group.c;
    data->products_at = data->gradients_at;
    pass->workspace_bytes = group_bytes(pass, pass->values[SIZE], data->images);
    if (conv_is_dfilter(pass)) {
        data->products_at += winograd_tiling_of(pass, pass->values[SIZE]).positions * group.tiles * group.k;
        pass->workspace_bytes += shares_bytes(pass, pass->values[SIZE], data->shares);
    } else {
        pass->packed_floats = shares_bytes(pass, pass->values[SIZE], 1) / sizeof(float);
    }
    data->tiles_each = 1;
    if (pass->index == RNCL_CONV_FORWARD || leaves_sums(pass))
        data->tiles_each = tiles_of_item(pass, &group);
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = part_count(pass);
    if (leaves_sums(pass))
        pass->gradient_parts = part_count(pass);
    return RNCL_OK;
}

/* Intel's compiler for Xe-HPC takes sub-groups of 32, whose tiles do not fit into registers. */
static bool wants_small_sub_groups(const rncl_context *context)
{
    return context->gpu.family == RNCL_GPU_XE_HPC && context->gpu.sub_group_sizes & 16;
}

static rncl_status staged_build(rncl_pass *pass)
{
    staged_data *data = pass->data;
    const bool dfilter = conv_is_dfilter(pass);
    const tile_problem problem = problem_of(pass, pass->values[SIZE], 1);
    const struct {
        const char *name;
        rncl_kernel *kernel;
    } kernels[] = {
        {"conv_staged_inputs", &data->transform},
        {dfilter ? "conv_staged_dy" : "conv_staged_filters", &data->transform_other},
        {dfilter ? "conv_staged_dfilter" : "conv_staged_outputs", &data->transform_back},
    };
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, SIZE, VECTOR + 1, options, "%s%s",
                      pass->gradient_parts ? "-DGRADIENT_SUMS=1 " : "",
                      wants_small_sub_groups(pass->context) ? "-DSUB_GROUP=16" : "");
    for (size_t i = 0; i < COUNT(kernels); i++) {
        RNCL_TRY(rncl_pass_kernel(pass, "conv/staged_winograd", options, kernels[i].name, kernels[i].kernel));
        RNCL_TRY(rncl_kernel_require(pass->context, kernels[i].kernel, (size_t)pass->values[ITEMS]));
    }
    return products_of(pass)->build(pass, PRODUCT, &problem, &data->multiply);
}

/* One work-item for each vector of `values` values. */
static rncl_range range_of(const rncl_pass *pass, int values)
{
    const size_t items = (size_t)pass->values[ITEMS];
    return (rncl_range){.global = {rncl_round_up((size_t)(values / pass->values[VECTOR]), items)},
                        .local = {items, 1, 1}};
}

static rncl_status staged_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const staged_data *data = pass->data;
    const rncl_winograd_shape shape = winograd_shape_of(pass);
    return rncl_launch(pass->context, &data->transform_other, range_of(pass, shape.c * shape.k),
                       RNCL_INT(shape.c), RNCL_INT(shape.k), RNCL_INT(pass->index == RNCL_CONV_BACKWARD_DATA),
                       RNCL_BUFFER(b->weight), RNCL_BUFFER(b->packed), RNCL_INT((cl_int)pass->packed_offset));
}

/* A group of images: its shape and the index of its first image. */
typedef struct staged_group {
    rncl_winograd_shape shape;
    int first;
} staged_group;

static rncl_status enqueue_inputs(rncl_pass *pass, const rncl_op_buffers *b, const staged_group *group)
{
    const staged_data *data = pass->data;
    const cl_mem *x = conv_is_dfilter(pass) ? &b->x : conv_input(pass, b);
    return rncl_launch(pass->context, &data->transform, range_of(pass, group->shape.tiles * group->shape.c),
                       RNCL_STRUCT(group->shape), RNCL_INT(group->first), RNCL_BUFFER(*x),
                       RNCL_BUFFER(b->workspace));
}

/* Arguments of conv_staged_outputs with GRADIENT_SUMS, behind the others. */
enum { OF_GRADIENT_SUMS = 5 };

static rncl_status enqueue_outputs(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars,
                                   const staged_group *group)
{
    const staged_data *data = pass->data;
    const int parts = parts_of(pass, group->shape.n),
              first_part = group->first / data->images * parts_of(pass, data->images);
    const cl_mem statistics = conv_statistics(pass, b);
    const rncl_arg arguments[] = {
        RNCL_STRUCT(group->shape),          RNCL_INT(group->first),
        RNCL_BUFFER(b->workspace),          RNCL_INT(data->products_at),
        RNCL_BUFFER(*conv_output(pass, b)), RNCL_INT(rncl_pass_accumulates(pass, scalars)),
        RNCL_INT(data->tiles_each),         RNCL_INT(first_part),
        RNCL_INT(pass->statistics_parts),   RNCL_BUFFER(statistics),
        RNCL_BUFFER(b->before_x),           RNCL_BUFFER(b->before_saved),
        RNCL_BUFFER(b->before_weight),      RNCL_BUFFER(b->before_bias),
        RNCL_BUFFER(b->gradient_sums),
    };
    return rncl_launch_args(pass->context, &data->transform_back, range_of(pass, parts * group->shape.k),
                            arguments, COUNT(arguments) - (pass->gradient_parts ? 0 : OF_GRADIENT_SUMS));
}

/* Forward and input gradient. */
static rncl_status enqueue_images(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars,
                                  const staged_group *group)
{
    const staged_data *data = pass->data;
    const tile_problem problem = problem_of(pass, pass->values[SIZE], group->shape.tiles);
    const tile_operands operands = {
        .images = b->workspace,
        .right = b->packed,
        .right_offset = pass->packed_offset,
        .result = b->workspace,
        .result_offset = (size_t)data->products_at,
    };
    RNCL_TRY(enqueue_inputs(pass, b, group));
    RNCL_TRY(products_of(pass)->enqueue(pass, PRODUCT, &problem, &data->multiply, &operands));
    return enqueue_outputs(pass, b, scalars, group);
}

static rncl_status enqueue_dfilter(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars,
                                   const staged_group *group)
{
    const staged_data *data = pass->data;
    const tile_problem problem = problem_of(pass, pass->values[SIZE], group->shape.tiles);
    const tile_operands operands = {
        .images = b->workspace,
        .right = b->workspace,
        .right_offset = (size_t)data->gradients_at,
        .result = b->workspace,
        .result_offset = (size_t)data->products_at,
    };
    int count = pass->desc.conv.c * pass->desc.conv.k;
    RNCL_TRY(enqueue_inputs(pass, b, group));
    RNCL_TRY(rncl_launch(pass->context, &data->transform_other,
                         range_of(pass, group->shape.tiles * group->shape.k), RNCL_STRUCT(group->shape),
                         RNCL_INT(group->first), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->workspace),
                         RNCL_INT(data->gradients_at)));
    RNCL_TRY(products_of(pass)->enqueue(pass, PRODUCT, &problem, &data->multiply, &operands));
    return rncl_launch(pass->context, &data->transform_back, range_of(pass, count), RNCL_INT(count),
                       RNCL_INT(data->shares), RNCL_BUFFER(b->workspace), RNCL_INT(data->products_at),
                       RNCL_BUFFER(b->dweight),
                       RNCL_INT(rncl_pass_accumulates(pass, scalars) || group->first > 0));
}

static rncl_status staged_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const staged_data *data = pass->data;
    for (int first = 0; first < pass->desc.conv.n; first += data->images) {
        const staged_group group = {
            .shape = group_of(pass, pass->values[SIZE], MIN(data->images, pass->desc.conv.n - first)),
            .first = first};
        RNCL_TRY(conv_is_dfilter(pass) ? enqueue_dfilter(pass, b, scalars, &group)
                                       : enqueue_images(pass, b, scalars, &group));
    }
    return RNCL_OK;
}

static void staged_destroy(rncl_pass *pass)
{
    staged_data *data = pass->data;
    rncl_kernel_fini(&data->transform);
    rncl_kernel_fini(&data->transform_other);
    rncl_kernel_fini(&data->transform_back);
    rncl_kernel_fini(&data->multiply);
    free(data);
}

const rncl_row rncl_conv_staged_winograd = {
    .name = "staged_winograd",
    .programs = {"conv/staged_winograd", "conv/tiled"},
    .narrow = true,
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

/* The largest tiles. */
static int mma_winograd_m(const rncl_pass *pass)
{
    return staged_products_on_units.rounds(pass) ? 2 : 4;
}

static bool mma_winograd_supports(const rncl_pass *pass)
{
    const tile_problem problem = problem_of(pass, 4, 1);
    return staged_products_fit_unit(pass, &problem) && fits(pass, mma_winograd_m(pass));
}

/* Where float32 takes three products, or is the unit's own, matrix units do about 60 operations in the time
 * of one byte, and reach two thirds of that: channels of 128. A single product of TF32 is three times as
 * fast. */
static bool mma_winograd_pays(const rncl_pass *pass)
{
    return saves_time(pass, mma_winograd_m(pass), staged_products_on_units.rounds(pass) ? 120 : 40);
}

/* The relative error of products of rounded operands is 1.7 times as large after the transforms back. */
static double mma_winograd_rounding(const rncl_pass *pass)
{
    return 2 * mma_product_rounding(pass);
}

const rncl_row rncl_conv_mma_winograd = {
    .name = "mma_winograd",
    .programs = {"conv/staged_winograd", "conv/mma"},
    .rounding = mma_winograd_rounding,
    .supports = mma_winograd_supports,
    .pays = mma_winograd_pays,
    .knobs = staged_knobs,
    .allows = staged_allows,
    .plan = staged_plan,
    .build = staged_build,
    .prepare = staged_prepare,
    .enqueue = staged_enqueue,
    .destroy = staged_destroy,
};
