/* The products in tiles, and those on matrix units. */
#include "staged_products.h"

#include "mma_product.h"

static void add_tile_knobs(const rncl_pass *pass, const tile_problem *problem, rncl_knobs *knobs)
{
    tile_product_add_knobs(pass->context, problem, knobs);
}

static bool tile_allows(const rncl_pass *pass, const tile_problem *problem, const int *values)
{
    return tile_product_allows(pass->context, problem, values);
}

static int tile_shares(const int *values)
{
    return tile_product_of(values).split;
}

static rncl_status build_tiled(const rncl_pass *pass, int first, const tile_problem *problem,
                               rncl_kernel *kernel)
{
    tile_product product = tile_product_of(pass->values + first);
    rncl_status st = tile_product_build(pass, first, problem, &product);
    *kernel = product.kernel;
    return st;
}

static rncl_status enqueue_tiled(const rncl_pass *pass, int first, const tile_problem *problem,
                                 const rncl_kernel *kernel, const tile_operands *operands)
{
    tile_product product = tile_product_of(pass->values + first);
    product.kernel = *kernel;
    return tile_product_enqueue(pass->context, &product, problem, operands);
}

const staged_products staged_products_in_tiles = {
    .add_knobs = add_tile_knobs,
    .allows = tile_allows,
    .shares = tile_shares,
    .build = build_tiled,
    .enqueue = enqueue_tiled,
};

/* The pass whose product each of them is. */
static rncl_pass product_of(const rncl_pass *pass, const tile_problem *problem)
{
    const int pixels = problem->shape.w;
    return (rncl_pass){
        .context = pass->context,
        .desc = {.kind = RNCL_OP_conv,
                 .conv = {.n = 1,
                          .h = 1,
                          .w = pixels,
                          .c = problem->shape.c,
                          .k = problem->shape.k,
                          .r = 1,
                          .s = 1,
                          .stride = 1,
                          .p = 1,
                          .q = pixels}},
        .index = problem->dfilter ? RNCL_CONV_BACKWARD_FILTER : RNCL_CONV_FORWARD,
    };
}

bool staged_products_fit_unit(const rncl_pass *pass, const tile_problem *problem)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const rncl_pass product = product_of(pass, problem);
    return unit && unit->rounds_to != RNCL_PRECISION_BF16 && mma_has_tile(&product);
}

static bool mma_rounds(const rncl_pass *pass)
{
    return mma_product_rounding(pass) > 0;
}

static void add_mma_knobs(const rncl_pass *pass, const tile_problem *problem, rncl_knobs *knobs)
{
    const rncl_pass product = product_of(pass, problem);
    mma_product_add_knobs(&product, problem->batch, problem->whole, knobs);
}

static bool mma_allows(const rncl_pass *pass, const tile_problem *problem, const int *values)
{
    const rncl_pass product = product_of(pass, problem);
    return mma_product_allows(&product, values);
}

static rncl_status build_mma(const rncl_pass *pass, int first, const tile_problem *problem,
                             rncl_kernel *kernel)
{
    const rncl_pass product = product_of(pass, problem);
    return mma_product_build(pass, first, &product, " -DBATCHED=1", kernel);
}

static rncl_status enqueue_mma(const rncl_pass *pass, int first, const tile_problem *problem,
                               const rncl_kernel *kernel, const tile_operands *operands)
{
    const int *values = pass->values + first;
    const rncl_pass product = product_of(pass, problem);
    const mma_tile tile = mma_product_tile(values);
    rncl_mma_shape shapes[MMA_MOST_PRODUCTS], *shape = shapes;
    mma_add_products(&product, shapes);
    shape->batch = problem->batch;
    shape->right_at = (rncl_int)operands->right_offset;
    shape->result_at = (rncl_int)operands->result_offset;
    return rncl_launch(
        pass->context, kernel, mma_product_range(&product, shape, &tile, mma_product_shares(values)),
        RNCL_STRUCT(*shape), RNCL_BUFFER(operands->images), RNCL_BUFFER(operands->right),
        RNCL_BUFFER(operands->result), RNCL_BUFFER(operands->statistics), RNCL_INT(operands->accumulate));
}

const staged_products staged_products_on_units = {
    .rounds = mma_rounds,
    .add_knobs = add_mma_knobs,
    .allows = mma_allows,
    .shares = mma_product_shares,
    .build = build_mma,
    .enqueue = enqueue_mma,
};
