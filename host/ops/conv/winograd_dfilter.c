/* The filter gradient by Winograd's method (kernels/conv/winograd_dfilter.cl): F(3x3, 4x4) takes 36
 * multiplications for a tile instead of 144, with stride 2 81. */
#include <stdlib.h>

#include "partial_sums.h"
#include "util.h"
#include "winograd_tiles.h"

typedef struct dfilter_data {
    rncl_winograd_shape shape;
    int vw;                 /* VW of conv/winograd_dfilter.cl */
    int shares;             /* of the output channels */
    size_t scratch_floats;  /* of a work-item */
    cl_mem scratch, summed; /* the two parts of the workspace */
    partial_sums sums;
    rncl_kernel dfilter;
} dfilter_data;

#define KNOBS(X)                                                                                             \
    X(SIZE, "m", "M")         /* pixels along the side of a tile of y */                                     \
    X(KV, "kv", "KV")         /* vectors of output channels in a register block */                           \
    X(CB, "cb", "CB")         /* input channels in a register block */                                       \
    X(TILES, "tiles", NULL)   /* tiles of a block, whose stages follow each other */                         \
    X(SHARES, "shares", NULL) /* of the output channels */
RNCL_DECLARE_KNOBS(KNOBS)

static size_t scratch_bytes(const dfilter_data *data)
{
    return sizeof(float) * data->scratch_floats * (size_t)data->sums.parts * (size_t)data->shares;
}

static bool dfilter_supports(const rncl_pass *pass)
{
    return winograd_fits(pass) && conv_is_dfilter(pass);
}

/* Presets: cores split the tiles if a partial sum for each is cheap, else the output channels. */
static void dfilter_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int inputs[] = {1, 2, 4, 8, 16};
    static const int tile_counts[] = {8, 16, 24, 32, 48, 64, 96, 128, 192, 256};
    static const int share_counts[] = {1, 2, 4, 8};
    const rncl_winograd_shape s = winograd_shape_of(pass);
    int vw = winograd_vector(pass, &s), units = (int)pass->context->info.compute_units;
    const bool large = partial_sums_are_large(conv_filter_floats(&pass->desc.conv));
    const int m = winograd_add_m_knob(pass, knob_names[SIZE], knobs);
    winograd_add_kv_knob(pass, knob_names[KV], knobs);
    rncl_knobs_add(knobs, knob_names[CB], MIN(vw, pass->context->traits.block_inputs), inputs, COUNT(inputs));
    rncl_knobs_add(knobs, knob_names[TILES], winograd_tiling_of(pass, m).positions > 36 ? 32 : 64,
                   tile_counts, COUNT(tile_counts));
    rncl_knobs_last_is_of_batch(knobs);
    rncl_knobs_add(knobs, knob_names[SHARES], large ? MIN(units, s.k / (knobs->knobs[KV].preset * vw)) : 1,
                   share_counts, COUNT(share_counts));
    rncl_knobs_last_is_of_batch(knobs);
}

static bool dfilter_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const rncl_winograd_shape s = winograd_shape_of(pass);
    int vw = winograd_vector(pass, &s);
    return s.k % (v[KV] * vw) == 0 && v[SHARES] <= s.k / (v[KV] * vw) && vw % v[CB] == 0 &&
           v[CB] * v[KV] <= pass->context->traits.most_accumulators;
}

static rncl_status dfilter_plan(rncl_pass *pass)
{
    dfilter_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a Winograd filter gradient");
    const int *v = pass->values;
    rncl_winograd_shape *s = &data->shape;
    *s = winograd_shape_of(pass);
    s->tiles = v[TILES];
    data->vw = winograd_vector(pass, s);
    const int kb = v[KV] * data->vw, blocks = s->k / kb, units = (int)pass->context->info.compute_units;
    const winograd_tiling tiling = winograd_tiling_of(pass, v[SIZE]);
    data->shares = MIN(v[SHARES], blocks);
    data->sums = (partial_sums){
        .parts = MIN(rncl_ceil_div(units, data->shares), winograd_tile_count(s, tiling.tile)),
        .vw = data->vw,
        .floats = conv_filter_floats(&pass->desc.conv),
    };
    const size_t own_blocks = (size_t)rncl_ceil_div(blocks, data->shares);
    /* Words are half as many, and have a step behind them. */
    const bool fixed = winograd_is_fixed(pass, v[SIZE]);
    const int rows = fixed ? rncl_ceil_div(s->tiles, 2) + 1 : s->tiles;
    const size_t position = winograd_step(rows * s->c) + own_blocks * winograd_step(rows * kb) +
                            (fixed ? winograd_step(s->tiles * data->vw) : 0);
    data->scratch_floats =
        (size_t)tiling.positions * position + (size_t)tiling.filters * winograd_step(data->vw * kb);
    data->scratch_floats = rncl_round_up(data->scratch_floats, pass->context->info.address_alignment);
    pass->workspace_bytes = scratch_bytes(data) + partial_sums_bytes(&data->sums);
    return RNCL_OK;
}

static rncl_status dfilter_build(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DSTRIDE=%d -DSTRIDED_DX=%d -DVW=%d",
                      pass->desc.conv.stride, winograd_is_strided_dx(pass), data->vw);
    winograd_add_fixed_option(pass, pass->values[SIZE], options);
    RNCL_TRY(
        rncl_pass_kernel(pass, "conv/winograd_dfilter", options, "conv_winograd_dfilter", &data->dfilter));
    return partial_sums_build(pass, &data->sums);
}

static void release_parts(dfilter_data *data)
{
    rncl_buffer_release(data->scratch);
    rncl_buffer_release(data->summed);
    data->scratch = data->summed = NULL;
}

static rncl_status dfilter_bind(rncl_pass *pass, cl_mem workspace)
{
    dfilter_data *data = pass->data;
    const size_t sums_bytes = partial_sums_bytes(&data->sums);
    release_parts(data);
    RNCL_TRY(rncl_buffer_slice(workspace, 0, scratch_bytes(data), &data->scratch));
    return sums_bytes ? rncl_buffer_slice(workspace, scratch_bytes(data), sums_bytes, &data->summed)
                      : RNCL_OK;
}

static rncl_status dfilter_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const dfilter_data *data = pass->data;
    const partial_sums *sums = &data->sums;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const rncl_range range = {.global = {(size_t)sums->parts, (size_t)data->shares}, .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(
        pass->context, &data->dfilter, range, RNCL_STRUCT(data->shape), RNCL_BUFFER(b->x), RNCL_BUFFER(b->dy),
        RNCL_BUFFER(*partial_sums_target(sums, &b->dweight, &data->summed)), RNCL_BUFFER(data->scratch),
        RNCL_INT((cl_int)data->scratch_floats), RNCL_INT(partial_sums_accumulate(sums, accumulate))));
    return partial_sums_reduce(pass, sums, &data->summed, &b->dweight, accumulate);
}

static double dfilter_rounding(const rncl_pass *pass)
{
    return winograd_rounding(pass, pass->values[SIZE]);
}

static void dfilter_destroy(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    release_parts(data);
    rncl_kernel_fini(&data->dfilter);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_winograd_dfilter = {
    .name = "winograd",
    .programs = {"conv/winograd_dfilter", "conv/reduce"},
    .narrow = true,
    .rounding = dfilter_rounding,
    .supports = dfilter_supports,
    .pays = winograd_is_worthwhile,
    .knobs = dfilter_knobs,
    .allows = dfilter_allows,
    .plan = dfilter_plan,
    .build = dfilter_build,
    .bind = dfilter_bind,
    .enqueue = dfilter_enqueue,
    .destroy = dfilter_destroy,
};
