/* Winograd's convolution in separate stages (kernels/conv/staged_winograd.cl), all three passes: transform
 * the tiles, multiply for each position in the transformed domain, transform back. Images are processed in
 * groups, so that the data between the stages stays small. */
#include <stdlib.h>

#include "tile_product.h"
#include "util.h"
#include "winograd_tiles.h"

/* Limits for the data between the stages of one image, and for the filter gradient's partial sums. */
enum { IMAGE_BYTES = 64 << 20, SHARES_BYTES = 64 << 20 };

typedef struct staged_data {
    int images;                    /* of a group */
    int gradients_at, products_at; /* floats, in the workspace after the inputs */
    tile_product product;
    rncl_kernel transform;       /* makes the products' first operand, from inputs */
    rncl_kernel transform_other; /* makes the second, from filters or gradients */
    rncl_kernel transform_back;  /* makes outputs or dfilter from the products */
} staged_data;

#define KNOBS(X)                                                                                             \
    X(SIZE, "m", "M")         /* pixels along a tile's side */                                               \
    X(VECTOR, "vw", "VW")     /* channels of a work-item of the transforms */                                \
    X(ITEMS, "items", NULL)   /* work-items of their groups */                                               \
    X(IMAGES, "images", NULL) /* images of a group */                                                        \
    TILE_PRODUCT_KNOBS(X)
RNCL_DECLARE_KNOBS(KNOBS)

enum { PRODUCT = TM }; /* index of the product's first knob */

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

static bool staged_supports(const rncl_pass *pass)
{
    return winograd_is_possible(pass) && group_bytes(pass, 4, 1) <= IMAGE_BYTES &&
           shares_bytes(pass, 4, 1) <= SHARES_BYTES;
}

/* The stages write and read 36 values of each tile and channel, and transformed filters. The
 * multiplications saved must outweigh that traffic, which takes C and K of about 64. GPUs do about 30
 * operations in the time of one byte, and matrix products reach two thirds of that. */
static bool staged_pays(const rncl_pass *pass)
{
    enum { OPERATIONS_A_BYTE = 20, POSITIONS = 36 };
    const rncl_winograd_shape all = group_of(pass, 4, pass->desc.conv.n);
    double channels = (double)all.c * all.k, outputs = (double)all.n * all.p * all.q;
    double saved = 2.0 * channels * (9.0 * outputs - POSITIONS * (double)all.tiles);
    double values = 2.0 * POSITIONS * (double)all.tiles * (all.c + all.k) + (POSITIONS + 9) * channels;
    return saved >= OPERATIONS_A_BYTE * sizeof(float) * values;
}

static int preset_items(const rncl_pass *pass)
{
    int items = 64;
    while ((size_t)items > pass->context->info.max_work_group_size)
        items /= 2;
    return items;
}

static int preset_images(const rncl_pass *pass)
{
    const size_t limit = group_limit(pass->context);
    int images = 1;
    while (images < MIN(pass->desc.conv.n, 256) && group_bytes(pass, 4, 2 * images) <= limit)
        images *= 2;
    return images;
}

/* A tile and its half-way transform are 72 registers for each channel: with one channel a work-item, a GPU
 * with 65536 registers in a multiprocessor still keeps 500 work-items there, enough to hide memory
 * latency. The preset is F(4x4, 3x3), as in cuDNN's WINOGRAD_NONFUSED; the products' presets are those of
 * `tiled`. */
static void staged_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 4}, items[] = {64, 128, 256};
    static const int image_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
    const rncl_winograd_shape group = group_of(pass, 4, MIN(preset_images(pass), pass->desc.conv.n));
    const tile_problem problem = problem_of(pass, 4, group.tiles);
    winograd_add_m_knob(pass, knob_names[SIZE], knobs);
    rncl_knobs_add(knobs, knob_names[VECTOR], 1, vectors, COUNT(vectors));
    rncl_knobs_add(knobs, knob_names[ITEMS], preset_items(pass), items, COUNT(items));
    rncl_knobs_add(knobs, knob_names[IMAGES], preset_images(pass), image_counts, COUNT(image_counts));
    tile_product_add_knobs(pass->context, &problem, knobs);
}

static bool staged_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const rncl_winograd_shape group = group_of(pass, v[SIZE], MIN(v[IMAGES], pass->desc.conv.n));
    const tile_problem problem = problem_of(pass, v[SIZE], group.tiles);
    return group.c % v[VECTOR] == 0 && group.k % v[VECTOR] == 0 && v[IMAGES] < 2 * pass->desc.conv.n &&
           (size_t)v[ITEMS] <= pass->context->info.max_work_group_size &&
           tile_product_allows(pass->context, &problem, v + PRODUCT) &&
           group_bytes(pass, v[SIZE], v[IMAGES]) <= group_limit(pass->context) &&
           shares_bytes(pass, v[SIZE], tile_product_of(v + PRODUCT).split) <= SHARES_BYTES;
}

static rncl_status staged_plan(rncl_pass *pass)
{
    staged_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a staged Winograd convolution");
    const int *v = pass->values;
    data->images = MIN(v[IMAGES], pass->desc.conv.n);
    data->product = tile_product_of(v + PRODUCT);
    const rncl_winograd_shape group = group_of(pass, pass->values[SIZE], data->images);
    data->gradients_at = winograd_tiling_of(pass, pass->values[SIZE]).positions * group.tiles * group.c;
    data->products_at = data->gradients_at;
    pass->workspace_bytes = group_bytes(pass, pass->values[SIZE], data->images);
    if (conv_is_dfilter(pass)) {
        data->products_at += winograd_tiling_of(pass, pass->values[SIZE]).positions * group.tiles * group.k;
        pass->workspace_bytes += shares_bytes(pass, pass->values[SIZE], data->product.split);
    } else {
        pass->packed_floats = shares_bytes(pass, pass->values[SIZE], 1) / sizeof(float);
    }
    return RNCL_OK;
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
    rncl_pass_options(pass, SIZE, VECTOR + 1, options, "%s", "");
    for (size_t i = 0; i < COUNT(kernels); i++) {
        RNCL_TRY(rncl_pass_kernel(pass, "conv/staged_winograd", options, kernels[i].name, kernels[i].kernel));
        RNCL_TRY(rncl_kernel_require(pass->context, kernels[i].kernel, (size_t)pass->values[ITEMS]));
    }
    return tile_product_build(pass, PRODUCT, &problem, &data->product);
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
    RNCL_TRY(tile_product_enqueue(pass->context, &data->product, &problem, &operands));
    return rncl_launch(pass->context, &data->transform_back,
                       range_of(pass, group->shape.tiles * group->shape.k), RNCL_STRUCT(group->shape),
                       RNCL_INT(group->first), RNCL_BUFFER(b->workspace), RNCL_INT(data->products_at),
                       RNCL_BUFFER(*conv_output(pass, b)), RNCL_INT(rncl_pass_accumulates(pass, scalars)));
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
    RNCL_TRY(tile_product_enqueue(pass->context, &data->product, &problem, &operands));
    return rncl_launch(pass->context, &data->transform_back, range_of(pass, count), RNCL_INT(count),
                       RNCL_INT(data->product.split), RNCL_BUFFER(b->workspace), RNCL_INT(data->products_at),
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
    rncl_kernel_fini(&data->product.kernel);
    free(data);
}

const rncl_row rncl_conv_staged_winograd = {
    .name = "staged_winograd",
    .programs = {"conv/staged_winograd", "conv/tiled"},
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
