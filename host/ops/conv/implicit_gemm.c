/* Convolution as a product of matrices in tiles of local memory (kernels/conv/implicit_gemm.cl): the
 * default on GPUs where Winograd's method does not pay. */
#include <stdlib.h>

#include "partial_sums.h"
#include "tile_product.h"
#include "util.h"

typedef struct implicit_data {
    tile_product product;
    partial_sums sums; /* of the shares of the depth */
} implicit_data;

static tile_problem problem_of(const rncl_pass *pass)
{
    return (tile_problem){.shape = pass->desc.conv, .pass = pass->index, .batch = 1};
}

static bool implicit_supports(const rncl_pass *pass)
{
    return tile_product_is_possible(pass->context);
}

static void implicit_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    const tile_problem problem = problem_of(pass);
    tile_product_add_knobs(pass->context, &problem, knobs);
}

static bool implicit_allows(const rncl_pass *pass)
{
    const tile_problem problem = problem_of(pass);
    return tile_product_allows(pass->context, &problem, pass->values);
}

static rncl_status implicit_plan(rncl_pass *pass)
{
    implicit_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of an implicit GEMM");
    const tile_problem problem = problem_of(pass);
    data->product = tile_product_of(pass->values);
    data->sums =
        (partial_sums){.parts = data->product.split, .vw = 1, .floats = tile_product_floats(&problem)};
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    return RNCL_OK;
}

static rncl_status implicit_build(rncl_pass *pass)
{
    implicit_data *data = pass->data;
    const tile_problem problem = problem_of(pass);
    RNCL_TRY(tile_product_build(pass, 0, &problem, &data->product));
    return partial_sums_build(pass, &data->sums);
}

static rncl_status implicit_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const implicit_data *data = pass->data;
    const tile_problem problem = problem_of(pass);
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const cl_mem *result = conv_is_dfilter(pass) ? &b->dweight : conv_output(pass, b);
    const tile_operands operands = {
        .left = conv_is_dfilter(pass) ? b->x : *conv_input(pass, b),
        .right = conv_is_dfilter(pass) ? b->dy : b->weight,
        .result = *partial_sums_target(&data->sums, result, &b->workspace),
        .accumulate = partial_sums_accumulate(&data->sums, accumulate),
    };
    RNCL_TRY(tile_product_enqueue(pass->context, &data->product, &problem, &operands));
    return partial_sums_reduce(pass, &data->sums, &b->workspace, result, accumulate);
}

static void implicit_destroy(rncl_pass *pass)
{
    implicit_data *data = pass->data;
    rncl_kernel_fini(&data->product.kernel);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_implicit_gemm = {
    .name = "implicit_gemm",
    .programs = {"conv/implicit_gemm", "conv/reduce"},
    .exact = true,
    .supports = implicit_supports,
    .knobs = implicit_knobs,
    .allows = implicit_allows,
    .plan = implicit_plan,
    .build = implicit_build,
    .enqueue = implicit_enqueue,
    .destroy = implicit_destroy,
};
