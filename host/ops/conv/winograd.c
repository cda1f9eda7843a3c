/* Winograd's convolution (kernels/conv/winograd*.cl), for 3x3 convolutions on devices of class CPU_VECTOR.
 * F(4x4, 3x3) takes 36 multiplications where the direct method takes 144; with stride 2 it takes 81. The
 * input gradient is the forward kernel on flipped, transposed filters. */
#include <stdlib.h>

#include "launch.h"
#include "util.h"
#include "winograd_tiles.h"

typedef struct winograd_data {
    rncl_winograd_shape shape;
    rncl_pack_shape pack;
    int vw;             /* VW of conv/winograd.cl */
    int blocks, shares; /* blocks of tiles; shares of the output channels */
    bool fixed;         /* it multiplies integers */
    rncl_kernel convolve, packer;
} winograd_data;

#define KNOBS(X)                                                                                             \
    X(SIZE, "m", "M")             /* pixels along a tile's side */                                           \
    X(KV, "kv", "KV")             /* vectors of output channels in a register block */                       \
    X(PT, "pt", "PT")             /* tiles in a register block */                                            \
    X(TILES, "tiles", NULL)       /* tiles of a block, whose stages follow each other */                     \
    X(SHARES, "shares", NULL)     /* of the output channels */                                               \
    X(PACKED, "packed", "PACKED") /* 1: filters are transformed by prepare, 0: on the fly */
RNCL_DECLARE_KNOBS(KNOBS)

/* Whether the filters are so large that packing them transformed takes longer than transforming them on
 * the fly. */
static bool has_many_filters(const rncl_pass *pass, int m)
{
    const size_t c = (size_t)pass->desc.conv.c, k = (size_t)pass->desc.conv.k;
    return (size_t)winograd_tiling_of(pass, m).filters * c * k > ((size_t)1 << 22);
}

static bool winograd_supports(const rncl_pass *pass)
{
    return winograd_fits(pass) && !conv_is_dfilter(pass);
}

/* Whether there are enough tiles to outweigh transforming the filters once a step; where filters stay, fewer
 * are. With stride 2 less is saved, and nothing if the filters are so large that they are transformed on the
 * fly. */
static bool winograd_pays(const rncl_pass *pass)
{
    const rncl_winograd_shape s = winograd_shape_of(pass);
    const bool filters_stay =
        pass->choice.left_out & RNCL_PASS_BIT(RNCL_CONV_BACKWARD_FILTER) && pass->desc.conv.stride == 1;
    const int fewest = s.q < SMALL_IMAGE || filters_stay ? FEWEST_SMALL_TILES : 32;
    return winograd_is_worthwhile(pass) &&
           winograd_tile_count(&s, winograd_tiling_of(pass, 4).tile) >= fewest &&
           (pass->desc.conv.stride == 1 || !has_many_filters(pass, winograd_preset_m(pass)));
}

/* Presets: small blocks of tiles, so that most of the second-level cache is left to the filters, but
 * enough blocks for all cores. With few tiles and many channels the filters do not fit: each core then
 * takes a share of the output channels, reads its filters once and transforms them on the fly. */
static void winograd_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int block_tiles[] = {2, 4, 6, 7, 8, 10, 12, 14};
    static const int tile_counts[] = {8, 12, 14, 16, 24, 28, 32, 48, 56, 64, 96};
    static const int share_counts[] = {1, 2, 4, 8}, choice[] = {0, 1};
    const rncl_winograd_shape s = winograd_shape_of(pass);
    const int m = winograd_add_m_knob(pass, knob_names[SIZE], knobs);
    const winograd_tiling tiling = winograd_tiling_of(pass, m);
    const bool few = has_many_filters(pass, m);
    const int units = (int)pass->context->info.compute_units, vw = winograd_vector(pass, &s),
              pt = pass->context->traits.block_tiles;
    int all = winograd_tile_count(&s, tiling.tile);
    int cached = (int)((256u << 10) / ((size_t)tiling.positions * sizeof(float) * (size_t)s.c));
    int tiles = few ? MIN(all, 64) : MIN(MIN(cached, rncl_ceil_div(all, 4 * units)), 64);
    winograd_add_kv_knob(pass, knob_names[KV], knobs);
    rncl_knobs_add(knobs, knob_names[PT], pt, block_tiles, COUNT(block_tiles));
    rncl_knobs_add(knobs, knob_names[TILES], MAX(tiles / pt, 1) * pt, tile_counts, COUNT(tile_counts));
    rncl_knobs_last_is_of_batch(knobs);
    rncl_knobs_add(knobs, knob_names[SHARES], few ? MIN(units, s.k / (knobs->knobs[KV].preset * vw)) : 1,
                   share_counts, COUNT(share_counts));
    rncl_knobs_last_is_of_batch(knobs);
    rncl_knobs_add(knobs, knob_names[PACKED], !few, choice, COUNT(choice));
    rncl_knobs_last_is_of_batch(knobs);
}

static bool winograd_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const rncl_winograd_shape s = winograd_shape_of(pass);
    int width = v[KV] * winograd_vector(pass, &s);
    return s.k % width == 0 && winograd_taps_fit(pass, v[KV]) && v[SHARES] <= s.k / width &&
           v[TILES] % v[PT] == 0 &&
           v[TILES] < winograd_tile_count(&s, winograd_tiling_of(pass, v[SIZE]).tile) + v[PT] &&
           v[PT] * v[KV] <= pass->context->traits.most_accumulators;
}

static rncl_pack_shape pack_of(const rncl_pass *pass, const rncl_winograd_shape *s)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    bool forward = pass->index == RNCL_CONV_FORWARD;
    return (rncl_pack_shape){
        .out = s->k,
        .in = s->c,
        .r = 3,
        .s = 3,
        .row_first = forward ? 0 : 2,
        .column_first = forward ? 0 : 2,
        .row_step = forward ? 1 : -1,
        .column_step = forward ? 1 : -1,
        .row_stride = 3 * c->c * c->k,
        .column_stride = c->c * c->k,
        .in_stride = forward ? c->k : 1,
        .out_stride = forward ? 1 : c->k,
    };
}

static rncl_status winograd_plan(rncl_pass *pass)
{
    winograd_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a Winograd convolution");
    const int *v = pass->values;
    data->shape = winograd_shape_of(pass);
    data->shape.tiles = v[TILES];
    data->pack = pack_of(pass, &data->shape);
    data->vw = winograd_vector(pass, &data->shape);
    const winograd_tiling tiling = winograd_tiling_of(pass, v[SIZE]);
    const int units = (int)pass->context->info.compute_units, width = v[KV] * data->vw;
    /* Of words there are half as many, and a step for each row. */
    const bool fixed = data->fixed = winograd_is_fixed(pass, v[SIZE]);
    const int c = fixed ? data->shape.c / 2 + 1 : data->shape.c;
    data->blocks = MIN(2 * units, rncl_ceil_div(winograd_tile_count(&data->shape, tiling.tile), v[TILES]));
    data->shares = MIN(v[SHARES], data->shape.k / width);
    const size_t filter_floats = (size_t)tiling.filters * winograd_step(c * width);
    const size_t item_floats =
        (size_t)tiling.positions * (winograd_step(v[TILES] * c) + winograd_step(v[TILES] * width)) +
        (v[PACKED] ? 0 : filter_floats) + (fixed ? (size_t)tiling.positions * (size_t)data->shape.c : 0);
    pass->packed_floats = v[PACKED] ? (size_t)(data->shape.k / width) * filter_floats : 0;
    pass->workspace_bytes = sizeof(float) * (size_t)data->blocks * (size_t)data->shares * item_floats;
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = data->blocks;
    return RNCL_OK;
}

static rncl_status winograd_build(rncl_pass *pass)
{
    winograd_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    const int stride = pass->desc.conv.stride, spread = winograd_is_strided_dx(pass),
              packed = pass->values[PACKED], transposed = pass->index == RNCL_CONV_BACKWARD_DATA;
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DSTRIDE=%d -DSTRIDED_DX=%d -DVW=%d -DTRANSPOSED=%d",
                      stride, spread, data->vw, transposed && !packed);
    conv_add_epilogue_option(pass, options);
    winograd_add_fixed_option(pass, pass->values[SIZE], options);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/winograd", options, "conv_winograd", &data->convolve));
    if (!packed)
        return RNCL_OK;
    rncl_pass_options(pass, SIZE, KV + 1, options, "-DSTRIDE=%d -DSTRIDED_DX=%d -DVW=%d -DTRANSPOSED=%d",
                      stride, spread, data->vw, transposed);
    winograd_add_fixed_option(pass, pass->values[SIZE], options);
    return rncl_pass_kernel(pass, "conv/winograd_pack", options, "conv_winograd_pack", &data->packer);
}

static rncl_status winograd_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const winograd_data *data = pass->data;
    const rncl_pack_shape *pack = &data->pack;
    size_t inputs = data->fixed ? 1 : (size_t)(pack->in / data->vw);
    size_t blocks = (size_t)(pack->out / (pass->values[KV] * data->vw));
    rncl_range range = {.global = {inputs, blocks}, .local = {1, 1, 1}};
    return rncl_launch(pass->context, &data->packer, range, RNCL_STRUCT(*pack), RNCL_BUFFER(b->weight),
                       RNCL_BUFFER(b->packed), RNCL_INT((cl_int)pass->packed_offset));
}

static rncl_status winograd_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const winograd_data *data = pass->data;
    const cl_mem statistics = conv_statistics(pass, b);
    rncl_range range = {.global = {(size_t)data->blocks, (size_t)data->shares}, .local = {1, 1, 1}};
    return rncl_launch(
        pass->context, &data->convolve, range, RNCL_STRUCT(data->shape), RNCL_BUFFER(*conv_input(pass, b)),
        RNCL_STRUCT(data->pack), RNCL_BUFFER(*(pass->values[PACKED] ? &b->packed : &b->weight)),
        RNCL_INT((cl_int)pass->packed_offset), RNCL_BUFFER(*conv_output(pass, b)), RNCL_BUFFER(b->workspace),
        RNCL_BUFFER(statistics), RNCL_INT(rncl_pass_accumulates(pass, scalars)), RNCL_BUFFER(b->coefficients),
        RNCL_BUFFER(b->residual));
}

static void winograd_destroy(rncl_pass *pass)
{
    winograd_data *data = pass->data;
    rncl_kernel_fini(&data->convolve);
    rncl_kernel_fini(&data->packer);
    free(data);
}

static double convolution_rounding(const rncl_pass *pass)
{
    return winograd_rounding(pass, pass->values[SIZE]);
}

const rncl_row rncl_conv_winograd = {
    .name = "winograd",
    .programs = {"conv/winograd", "conv/winograd_pack"},
    .epilogue = true,
    .narrow = true,
    .rounding = convolution_rounding,
    .supports = winograd_supports,
    .pays = winograd_pays,
    .knobs = winograd_knobs,
    .allows = winograd_allows,
    .plan = winograd_plan,
    .build = winograd_build,
    .prepare = winograd_prepare,
    .enqueue = winograd_enqueue,
    .destroy = winograd_destroy,
};
