/* Winograd's convolution (kernels/conv/winograd*.cl), for 3x3 convolutions on devices that want explicit
 * vectors: F(4x4, 3x3) takes 36 multiplications where the direct method takes 144, with stride 2 it takes 81.
 * The input gradient is the forward kernel on flipped, transposed filters. */
#include <stdio.h>
#include <stdlib.h>

#include "launch.h"
#include "util.h"
#include "winograd_tiles.h"

typedef struct winograd_data {
    rncl_winograd_shape shape;
    rncl_pack_shape pack;
    int vw, kv, pt, m;  /* as in conv/winograd.cl */
    int blocks, shares; /* of tiles at a time, of the output channels */
    bool packs;         /* transforms the filters beforehand */
    rncl_kernel convolve, packer;
} winograd_data;

/* The order of the knobs. */
enum { SIZE, KV, PT, TILES, SHARES, PACKED };

/* Whether filters are so many that transforming them beforehand takes longer than it saves. */
static bool has_many_filters(const rncl_conv_plan *plan, int m)
{
    const size_t c = (size_t)plan->shape.c, k = (size_t)plan->shape.k;
    return (size_t)winograd_tiling_of(plan, m).filters * c * k > ((size_t)1 << 22);
}

static bool winograd_supports(const rncl_conv_plan *plan)
{
    return winograd_fits(plan) && plan->pass != RNCL_CONV_BACKWARD_FILTER;
}

/* Enough tiles that transforming the filters, once a step, is little beside using them. With stride 2 less is
 * saved, and lost again where filters are so many that they are transformed on the way. */
static bool winograd_pays(const rncl_conv_plan *plan)
{
    const rncl_winograd_shape s = winograd_shape_of(plan);
    return winograd_is_worthwhile(plan) && winograd_tile_count(&s, winograd_tiling_of(plan, 4).tile) >= 32 &&
           (plan->shape.stride == 1 || !has_many_filters(plan, winograd_preset_m(plan)));
}

/* Small blocks, whose transformed inputs leave most of the second-level cache to the filters, but enough of
 * them for all cores. Where there are few tiles and many channels, filters are what does not fit: each core
 * then goes through a share of them once, and transforms them on the way. */
static void winograd_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int block_tiles[] = {2, 4, 6, 7, 8, 10, 12, 14};
    static const int tile_counts[] = {8, 12, 14, 16, 24, 28, 32, 48, 56, 64, 96};
    static const int share_counts[] = {1, 2, 4, 8}, choice[] = {0, 1};
    const rncl_winograd_shape s = winograd_shape_of(plan);
    const rncl_device_info *info = &plan->context->info;
    const int m = winograd_add_m_knob(plan, knobs);
    const winograd_tiling tiling = winograd_tiling_of(plan, m);
    const bool few = has_many_filters(plan, m);
    int units = (int)info->compute_units, vw = winograd_vector(plan->context, &s),
        pt = info->vector_width >= 16 ? 8 : 6;
    int all = winograd_tile_count(&s, tiling.tile);
    int cached = (int)((256u << 10) / ((size_t)tiling.positions * sizeof(float) * (size_t)s.c));
    int tiles = few ? MIN(all, 64) : MIN(MIN(cached, rncl_ceil_div(all, 4 * units)), 64);
    winograd_add_kv_knob(s.k, vw, knobs);
    rncl_knobs_add(knobs, "pt", pt, block_tiles, COUNT(block_tiles));
    rncl_knobs_add(knobs, "tiles", MAX(tiles / pt, 1) * pt, tile_counts, COUNT(tile_counts));
    rncl_knobs_add(knobs, "shares", few ? MIN(units, s.k / (knobs->knobs[KV].preset * vw)) : 1, share_counts,
                   COUNT(share_counts));
    rncl_knobs_add(knobs, "packed", !few, choice, COUNT(choice));
}

static bool winograd_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    const rncl_winograd_shape s = winograd_shape_of(plan);
    int width = v[KV] * winograd_vector(plan->context, &s);
    return s.k % width == 0 && v[SHARES] <= s.k / width && v[TILES] % v[PT] == 0 &&
           v[TILES] < winograd_tile_count(&s, winograd_tiling_of(plan, v[SIZE]).tile) + v[PT] &&
           v[PT] * v[KV] <= (plan->context->info.vector_width >= 16 ? 28 : 14);
}

static rncl_pack_shape pack_of(const rncl_conv_plan *plan, const rncl_winograd_shape *s)
{
    const rncl_conv_shape *c = &plan->shape;
    bool forward = plan->pass == RNCL_CONV_FORWARD;
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

static rncl_status winograd_plan(rncl_conv_plan *plan)
{
    winograd_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a Winograd convolution");
    const int *v = plan->values;
    data->shape = winograd_shape_of(plan);
    data->shape.tiles = v[TILES];
    data->pack = pack_of(plan, &data->shape);
    data->vw = winograd_vector(plan->context, &data->shape);
    data->kv = v[KV];
    data->pt = v[PT];
    data->m = v[SIZE];
    data->packs = v[PACKED];
    const winograd_tiling tiling = winograd_tiling_of(plan, data->m);
    const int units = (int)plan->context->info.compute_units, width = data->kv * data->vw, c = data->shape.c;
    data->blocks = MIN(2 * units, rncl_ceil_div(winograd_tile_count(&data->shape, tiling.tile), v[TILES]));
    data->shares = MIN(v[SHARES], data->shape.k / width);
    const size_t filter_floats = (size_t)tiling.filters * winograd_step(c * width);
    const size_t item_floats =
        (size_t)tiling.positions * (winograd_step(v[TILES] * c) + winograd_step(v[TILES] * width)) +
        (data->packs ? 0 : filter_floats);
    plan->packed_floats = data->packs ? (size_t)(data->shape.k / width) * filter_floats : 0;
    plan->workspace_bytes = sizeof(float) * (size_t)data->blocks * (size_t)data->shares * item_floats;
    if (plan->pass == RNCL_CONV_FORWARD)
        plan->statistics_parts = data->blocks;
    return RNCL_OK;
}

static rncl_status winograd_build(rncl_conv_plan *plan)
{
    winograd_data *data = plan->data;
    char method[96], options[160];
    const bool transposed = plan->pass == RNCL_CONV_BACKWARD_DATA;
    winograd_options(plan, data->m, data->vw, data->kv, method, sizeof method);
    snprintf(options, sizeof options, "%s -DPT=%d -DPACKED=%d -DTRANSPOSED=%d", method, data->pt, data->packs,
             !data->packs && transposed);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv/winograd", options, "conv_winograd", &data->convolve));
    if (!data->packs)
        return RNCL_OK;
    snprintf(options, sizeof options, "%s -DTRANSPOSED=%d", method, transposed);
    return rncl_kernel_create(plan->context, "conv/winograd_pack", options, "conv_winograd_pack",
                              &data->packer);
}

static rncl_status winograd_prepare(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const winograd_data *data = plan->data;
    const rncl_pack_shape *pack = &data->pack;
    size_t inputs = (size_t)(pack->in / data->vw);
    size_t blocks = (size_t)(pack->out / (data->kv * data->vw));
    rncl_range range = {.global = {inputs, blocks}, .local = {1, 1, 1}};
    return rncl_launch(plan->context, &data->packer, range, RNCL_STRUCT(*pack), RNCL_BUFFER(buffers->filter),
                       RNCL_BUFFER(buffers->packed), RNCL_INT((cl_int)buffers->packed_offset));
}

static rncl_status winograd_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const winograd_data *data = plan->data;
    bool forward = plan->pass == RNCL_CONV_FORWARD;
    rncl_range range = {.global = {(size_t)data->blocks, (size_t)data->shares}, .local = {1, 1, 1}};
    return rncl_launch(plan->context, &data->convolve, range, RNCL_STRUCT(data->shape),
                       RNCL_BUFFER(*(forward ? &buffers->x : &buffers->y)), RNCL_STRUCT(data->pack),
                       RNCL_BUFFER(*(data->packs ? &buffers->packed : &buffers->filter)),
                       RNCL_INT((cl_int)buffers->packed_offset),
                       RNCL_BUFFER(*(forward ? &buffers->y : &buffers->x)), RNCL_BUFFER(buffers->workspace),
                       RNCL_BUFFER(buffers->statistics), RNCL_INT(buffers->accumulate));
}

static void winograd_destroy(rncl_conv_plan *plan)
{
    winograd_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->convolve);
    rncl_kernel_fini(&data->packer);
    free(data);
}

const rncl_conv_algorithm rncl_conv_winograd = {
    .name = "winograd",
    .kernels = "conv/winograd conv/reduce statistics",
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
