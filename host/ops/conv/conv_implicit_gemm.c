/* Convolution as a product of matrices in tiles of local memory (kernels/conv/implicit_gemm.cl): what GPUs
 * want where Winograd's method does not pay. */
#include <stdlib.h>

#include "tile_product.h"
#include "util.h"

typedef struct implicit_data {
    tile_product product;
    rncl_kernel reduce;
} implicit_data;

static tile_problem problem_of(const rncl_conv_plan *plan)
{
    return (tile_problem){.shape = plan->shape, .pass = plan->pass, .batch = 1};
}

static bool implicit_supports(const rncl_conv_plan *plan)
{
    return tile_product_is_possible(plan->context);
}

static void implicit_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    const tile_problem problem = problem_of(plan);
    tile_product_add_knobs(plan->context, &problem, knobs);
}

static bool implicit_allows(const rncl_conv_plan *plan)
{
    const tile_problem problem = problem_of(plan);
    return tile_product_allows(plan->context, &problem, plan->values);
}

static rncl_status implicit_plan(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of an implicit GEMM");
    const tile_problem problem = problem_of(plan);
    data->product = tile_product_of(plan->values);
    if (data->product.split > 1)
        plan->workspace_bytes = sizeof(float) * (size_t)data->product.split * tile_product_floats(&problem);
    return RNCL_OK;
}

static rncl_status implicit_build(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data;
    const tile_problem problem = problem_of(plan);
    RNCL_TRY(tile_product_build(plan->context, &problem, &data->product));
    return data->product.split > 1
               ? rncl_kernel_create(plan->context, "conv/reduce", "", "conv_reduce", &data->reduce)
               : RNCL_OK;
}

static rncl_status implicit_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const implicit_data *data = plan->data;
    const tile_problem problem = problem_of(plan);
    const tile_operands passes[] = {
        [RNCL_CONV_FORWARD] = {.left = buffers->x, .right = buffers->filter, .result = buffers->y},
        [RNCL_CONV_BACKWARD_DATA] = {.left = buffers->y, .right = buffers->filter, .result = buffers->x},
        [RNCL_CONV_BACKWARD_FILTER] = {.left = buffers->x, .right = buffers->y, .result = buffers->filter},
    };
    tile_operands operands = passes[plan->pass];
    if (data->product.split == 1) {
        operands.accumulate = buffers->accumulate;
        return tile_product_enqueue(plan->context, &data->product, &problem, &operands);
    }
    operands.result = buffers->workspace;
    RNCL_TRY(tile_product_enqueue(plan->context, &data->product, &problem, &operands));
    int count = (int)tile_product_floats(&problem);
    rncl_range range = {.global = {rncl_round_up((size_t)count, 64)}, .local = {64, 1, 1}};
    return rncl_launch(plan->context, &data->reduce, range, RNCL_INT(count), RNCL_INT(data->product.split),
                       RNCL_BUFFER(buffers->workspace), RNCL_BUFFER(passes[plan->pass].result),
                       RNCL_INT(buffers->accumulate));
}

static void implicit_destroy(rncl_conv_plan *plan)
{
    implicit_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->product.kernel);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_implicit_gemm = {
    .name = "implicit_gemm",
    .kernels = "conv/implicit_gemm conv/reduce",
    .exact = true,
    .supports = implicit_supports,
    .knobs = implicit_knobs,
    .allows = implicit_allows,
    .plan = implicit_plan,
    .build = implicit_build,
    .enqueue = implicit_enqueue,
    .destroy = implicit_destroy,
};
