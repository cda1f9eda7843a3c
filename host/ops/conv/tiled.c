/* Convolution as a product of matrices in tiles (kernels/conv/tiled.cl): the default on GPUs where Winograd's
 * method does not pay. The input gradient is the same product with turned filters, one for each phase. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "partial_sums.h"
#include "phases.h"
#include "tile_product.h"
#include "util.h"

typedef struct tiled_data {
    tile_product product;
    partial_sums sums; /* of the shares of the depth */
    rncl_kernel turn;  /* packs the filters of an input gradient */
    int side;          /* of its work-groups */
} tiled_data;

/* The product of a phase; false if it does not exist. Other passes than the input gradient have only phase
 * (0, 0). */
static bool phase_of(const rncl_pass *pass, int row, int column, tile_problem *problem, rncl_pack_shape *pack)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    conv_phase phase = {.shape = direct_dense_shape(c)};
    if (pass->index == RNCL_CONV_BACKWARD_DATA) {
        if (!conv_phase_of(c, row, column, &phase))
            return false;
    } else if (row || column) {
        return false;
    }
    phase.shape.s = MAX(phase.shape.s, 1); /* the kernel divides by it, also where no tap reaches */
    *problem = (tile_problem){.shape = phase.shape,
                              .dfilter = conv_is_dfilter(pass),
                              .elements = rncl_pass_elements(pass) != 0,
                              .batch = 1};
    tile_problem_flatten(problem);
    *pack = phase.pack;
    return true;
}

/* Runs the statement for each phase. */
#define FOR_PHASES(pass, problem, pack)                                                                      \
    for (int phase_ = 0, stride_ = (pass)->desc.conv.stride; phase_ < stride_ * stride_; phase_++)           \
        if (phase_of(pass, phase_ / stride_, phase_ % stride_, &(problem), &(pack)))

/* The product that decides the knobs: the phase with most taps. */
static tile_problem problem_of(const rncl_pass *pass)
{
    tile_problem most = {0}, problem;
    rncl_pack_shape pack;
    FOR_PHASES(pass, problem, pack)
    if (most.batch == 0 || problem.shape.r * problem.shape.s > most.shape.r * most.shape.s)
        most = problem;
    return most;
}

/* Offsets into a tensor are 32-bit numbers in the kernel, which go up to a tile behind its end. */
static bool tiled_supports(const rncl_pass *pass)
{
    enum { MOST_FLOATS = INT_MAX - (1 << 24) };
    const rncl_conv_shape *c = &pass->desc.conv;
    const double x = (double)c->n * c->h * c->w * c->c, y = (double)c->n * c->p * c->q * c->k;
    return x < MOST_FLOATS && y < MOST_FLOATS && (double)conv_filter_floats(c) < MOST_FLOATS;
}

static void tiled_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    const tile_problem problem = problem_of(pass);
    tile_product_add_knobs(pass->context, &problem, knobs);
}

static bool tiled_allows(const rncl_pass *pass)
{
    const tile_problem problem = problem_of(pass);
    return tile_product_allows(pass->context, &problem, pass->values);
}

/* Floats of the tensor that the pass computes. */
static size_t result_floats(const rncl_pass *pass)
{
    const rncl_conv_shape *s = &pass->desc.conv;
    const size_t floats[] = {
        [RNCL_CONV_FORWARD] = (size_t)s->n * (size_t)s->p * (size_t)s->q * (size_t)s->k,
        [RNCL_CONV_BACKWARD_DATA] = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c,
        [RNCL_CONV_BACKWARD_FILTER] = conv_filter_floats(s),
    };
    return floats[pass->index];
}

/* Of the square work-groups that turn filters; their local memory has a column more. */
static int turn_side(const rncl_device_info *info)
{
    size_t side = 16;
    while (side > 1 && (side * side > info->max_work_group_size || side > info->max_work_items[1] ||
                        sizeof(float) * side * (side + 1) > info->local_memory))
        side /= 2;
    return (int)side;
}

static rncl_status tiled_plan(rncl_pass *pass)
{
    tiled_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a tiled convolution");
    tile_problem problem = problem_of(pass);
    rncl_pack_shape pack;
    data->product = tile_product_of(pass->values);
    const size_t floats = result_floats(pass);
    const bool quads = pass->context->device_class == RNCL_CLASS_GPU && floats % 4 == 0;
    data->sums = (partial_sums){.parts = data->product.split, .vw = quads ? 4 : 1, .floats = floats};
    data->side = turn_side(&pass->context->info);
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = tile_product_parts(&data->product, &problem);
    if (pass->index == RNCL_CONV_BACKWARD_DATA)
        FOR_PHASES(pass, problem, pack)
    pass->packed_floats += conv_packed_floats(&pack);
    return RNCL_OK;
}

static rncl_status tiled_build(rncl_pass *pass)
{
    tiled_data *data = pass->data;
    const tile_problem problem = problem_of(pass);
    char options[32];
    RNCL_TRY(tile_product_build(pass, 0, &problem, &data->product));
    RNCL_TRY(partial_sums_build(pass, &data->sums));
    if (pass->index != RNCL_CONV_BACKWARD_DATA)
        return RNCL_OK;
    snprintf(options, sizeof options, "-DSIDE=%d", data->side);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/turn_filter", options, "conv_turn_filter", &data->turn));
    return rncl_kernel_require(pass->context, &data->turn, (size_t)data->side * (size_t)data->side);
}

static rncl_status tiled_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const tiled_data *data = pass->data;
    const size_t side = (size_t)data->side;
    tile_problem problem;
    rncl_pack_shape pack;
    size_t packed = 0;
    FOR_PHASES(pass, problem, pack)
    {
        const rncl_range range = {
            .global = {rncl_round_up((size_t)pack.in, side), rncl_round_up((size_t)pack.out, side),
                       (size_t)(pack.r * pack.s)},
            .local = {side, side, 1},
        };
        if (pack.r * pack.s == 0)
            continue;
        pack.packed_offset = (rncl_int)packed;
        packed += conv_packed_floats(&pack);
        RNCL_TRY(rncl_launch(pass->context, &data->turn, range, RNCL_STRUCT(pack), RNCL_BUFFER(b->weight),
                             RNCL_BUFFER(b->packed), RNCL_INT((cl_int)pass->packed_offset)));
    }
    return RNCL_OK;
}

/* The tensor that the product reads beside the images, and where it begins. */
static cl_mem right_of(const rncl_pass *pass, const rncl_op_buffers *b)
{
    const cl_mem tensors[] = {[RNCL_CONV_FORWARD] = b->weight,
                              [RNCL_CONV_BACKWARD_DATA] = b->packed,
                              [RNCL_CONV_BACKWARD_FILTER] = b->dy};
    return tensors[pass->index];
}

static rncl_status tiled_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const tiled_data *data = pass->data;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const cl_mem *result = conv_is_dfilter(pass) ? &b->dweight : conv_output(pass, b);
    tile_problem problem;
    rncl_pack_shape pack;
    tile_operands operands = {
        .images = conv_is_dfilter(pass) ? b->x : *conv_input(pass, b),
        .right = right_of(pass, b),
        .right_offset = pass->packed_floats ? pass->packed_offset : 0,
        .result = *partial_sums_target(&data->sums, result, &b->workspace),
        .statistics = conv_statistics(pass, b),
        .accumulate = partial_sums_accumulate(&data->sums, accumulate),
    };
    FOR_PHASES(pass, problem, pack)
    {
        /* Where no tap reaches, there is nothing to add. */
        if (problem.shape.r || !operands.accumulate)
            RNCL_TRY(tile_product_enqueue(pass->context, &data->product, &problem, &operands));
        operands.right_offset += conv_packed_floats(&pack);
    }
    return partial_sums_reduce(pass, &data->sums, &b->workspace, result, accumulate);
}

static void tiled_destroy(rncl_pass *pass)
{
    tiled_data *data = pass->data;
    rncl_kernel_fini(&data->product.kernel);
    rncl_kernel_fini(&data->turn);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_tiled = {
    .name = "tiled",
    .programs = {"conv/tiled", "conv/turn_filter", "conv/reduce"},
    .exact = true,
    .narrow = true,
    .supports = tiled_supports,
    .knobs = tiled_knobs,
    .allows = tiled_allows,
    .plan = tiled_plan,
    .build = tiled_build,
    .prepare = tiled_prepare,
    .enqueue = tiled_enqueue,
    .destroy = tiled_destroy,
};
