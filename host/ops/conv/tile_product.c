/* Products in tiles: their knobs and launch. */
#include "tile_product.h"

#include "util.h"

RNCL_DECLARE_KNOBS(TILE_PRODUCT_KNOBS)

static tile_sizes sizes_of(const tile_problem *problem)
{
    const rncl_direct_shape *s = &problem->shape;
    const int pixels = s->n * s->p * s->q, values = s->r * s->s * s->c;
    return (tile_sizes){
        .rows = problem->dfilter ? values : pixels,
        .columns = s->k,
        .depth = problem->dfilter ? pixels : values,
        .left_along = s->c,
        .right_along = s->k,
        .left_is_transposed = problem->dfilter,
    };
}

static void add_sub_group_knob(const rncl_context *context, int preset, rncl_knobs *knobs)
{
    int sizes[RNCL_KNOB_VALUES - 1] = {0};
    size_t count = 1;
    for (unsigned size = 8; size <= 32; size *= 2)
        if (context->gpu.sub_group_sizes & size)
            sizes[count++] = (int)size;
    rncl_knobs_add(knobs, knob_names[SUB_GROUP], preset, sizes, count);
}

void tile_product_add_knobs(const rncl_context *context, const tile_problem *problem, rncl_knobs *knobs)
{
    static const int sides[] = {16, 32, 64, 128}, depths[] = {4, 8, 16, 32}, blocks[] = {4, 8},
                     widths[] = {1, 4, 8}, unrolls[] = {1, 2, 4, 8, 16}, switches[] = {0, 1};
    const tile_sizes sizes = sizes_of(problem);
    /* Of elements also loads of 16 bytes. A tile of 128 x 8 has less for 256 work-items, so that presets load
     * four. */
    const size_t left_widths = problem->elements ? 3 : 2,
                 right_widths = problem->elements && problem->dfilter ? 3 : 2;
    int split;
    const tile_parameters tile = tile_preset(context, &sizes, problem->batch, problem->whole, &split);
    rncl_knobs_add(knobs, knob_names[TM], tile.tm, sides, COUNT(sides));
    rncl_knobs_add(knobs, knob_names[TN], tile.tn, sides, COUNT(sides));
    rncl_knobs_add(knobs, knob_names[TK], tile.tk, depths, COUNT(depths));
    rncl_knobs_add(knobs, knob_names[RM], tile.rm, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, knob_names[RN], tile.rn, blocks, COUNT(blocks));
    rncl_knobs_add(knobs, knob_names[LEFT], tile.left, widths, left_widths);
    rncl_knobs_add(knobs, knob_names[RIGHT], tile.right, widths, right_widths);
    rncl_knobs_add(knobs, knob_names[UNROLL], tile.unroll, unrolls, COUNT(unrolls));
    rncl_knobs_add(knobs, knob_names[LOCAL], tile.local, switches, COUNT(switches));
    add_sub_group_knob(context, tile.sub_group, knobs);
    rncl_knobs_add(knobs, knob_names[REGISTERS], tile.large_registers, switches,
                   tile_has_large_registers(context) ? COUNT(switches) : 1);
    rncl_knobs_add_doubling(knobs, knob_names[SPLIT], split, 1,
                            problem->whole ? 1 : tile_most_split(&sizes, problem->batch));
    rncl_knobs_last_is_of_batch(knobs);
}

tile_product tile_product_of(const int *values)
{
    return (tile_product){.tile = {.tm = values[TM],
                                   .tn = values[TN],
                                   .tk = values[TK],
                                   .rm = values[RM],
                                   .rn = values[RN],
                                   .left = values[LEFT],
                                   .right = values[RIGHT],
                                   .unroll = values[UNROLL],
                                   .local = values[LOCAL],
                                   .sub_group = values[SUB_GROUP],
                                   .large_registers = values[REGISTERS]},
                          .split = values[SPLIT]};
}

bool tile_product_allows(const rncl_context *context, const tile_problem *problem, const int *values)
{
    const tile_product product = tile_product_of(values);
    const tile_sizes sizes = sizes_of(problem);
    return tile_is_possible(context, &sizes, &product.tile);
}

void tile_problem_flatten(tile_problem *problem)
{
    rncl_direct_shape *s = &problem->shape;
    if (s->r != 1 || s->s != 1 || s->stride != 1 || s->pad_top || s->pad_left || s->out_stride != 1)
        return;
    const int pixels = s->n * s->h * s->w;
    s->n = s->h = s->p = s->out_h = 1;
    s->w = s->q = s->out_w = pixels;
}

int tile_product_parts(const tile_product *product, const tile_problem *problem)
{
    const tile_sizes sizes = sizes_of(problem);
    return product->tile.local && product->split == 1 ? rncl_ceil_div(sizes.rows, product->tile.tm) : 0;
}

/* Two work-groups of 256 fit into a multiprocessor of NVIDIA's where a work-item has 128 registers. NVIDIA's
 * compiler takes two more of them for results of bfloat16, and does not need these. */
static bool wants_fewer_registers(const rncl_pass *pass, const tile_problem *problem,
                                  const tile_parameters *tile)
{
    return pass->context->gpu.family == RNCL_GPU_NVIDIA && problem->elements && !problem->dfilter &&
           tile->left > 1 && tile_items(tile) == 256;
}

rncl_status tile_product_build(const rncl_pass *pass, int first, const tile_problem *problem,
                               tile_product *product)
{
    char options[RNCL_OPTIONS_SIZE];
    const bool partial = problem->elements && !problem->dfilter && product->split > 1;
    rncl_pass of_floats = *pass; /* Winograd's stages multiply floats also where images are elements */
    of_floats.choice.floats = true;
    rncl_pass_options(pass, first, KNOB_COUNT, options, "-DDFILTER=%d%s%s%s", problem->dfilter,
                      partial ? " -DPARTIAL=1" : "",
                      product->tile.large_registers ? " -cl-intel-256-GRF-per-thread" : "",
                      wants_fewer_registers(pass, problem, &product->tile) ? " -cl-nv-maxrregcount=128" : "");
    RNCL_TRY(rncl_pass_kernel(problem->elements ? pass : &of_floats, "conv/tiled", options, "conv_tiled",
                              &product->kernel));
    return rncl_kernel_require(pass->context, &product->kernel, (size_t)tile_items(&product->tile));
}

static rncl_tile_step step_of(const tile_problem *problem, int depth)
{
    const rncl_direct_shape *s = &problem->shape;
    if (problem->dfilter)
        return (rncl_tile_step){.row = depth / s->q % s->p * s->stride,
                                .column = depth % s->q * s->stride,
                                .count = depth / s->q / s->p};
    return (rncl_tile_step){.row = depth / s->c / s->s, .column = depth / s->c % s->s, .count = depth % s->c};
}

rncl_status tile_product_enqueue(rncl_context *context, const tile_product *product,
                                 const tile_problem *problem, const tile_operands *operands)
{
    const tile_sizes sizes = sizes_of(problem);
    const tile_parameters *tile = &product->tile;
    const size_t items = (size_t)tile_items(tile), down = (size_t)rncl_ceil_div(sizes.rows, tile->tm),
                 across = (size_t)rncl_ceil_div(sizes.columns, tile->tn);
    const rncl_tile_step step = step_of(problem, tile->tk);
    const rncl_range range = {
        .global = {items * across * down, (size_t)problem->batch * (size_t)product->split},
        .local = {items, 1, 1},
    };
    return rncl_launch(context, &product->kernel, range, RNCL_STRUCT(problem->shape), RNCL_STRUCT(step),
                       RNCL_INT(problem->batch), RNCL_BUFFER(operands->images), RNCL_BUFFER(operands->right),
                       RNCL_INT((cl_int)operands->right_offset), RNCL_BUFFER(operands->result),
                       RNCL_INT((cl_int)operands->result_offset), RNCL_BUFFER(operands->statistics),
                       RNCL_INT(operands->accumulate));
}
