/* The filter gradient by Winograd's method (kernels/conv/winograd_dfilter.cl): F(3x3, 4x4) takes 36
 * multiplications for the 144 of a tile, with stride 2 it takes 81. */
#include <stdio.h>
#include <stdlib.h>

#include "launch.h"
#include "util.h"
#include "winograd_tiles.h"

typedef struct filter_data {
    rncl_winograd_shape shape;
    int vw, kv, cb, m;     /* as in conv/winograd_dfilter.cl */
    int parts, shares;     /* of the tiles, of the output channels */
    size_t scratch_floats; /* of a work-item */
    cl_mem scratch, sums;  /* the two parts of the workspace, cut when it is first seen */
    cl_mem workspace;
    rncl_kernel filter, reduce;
} filter_data;

/* The order of the knobs. */
enum { SIZE, KV, CB, TILES, SHARES };

static size_t filter_floats(const rncl_winograd_shape *s)
{
    return 9 * (size_t)s->c * (size_t)s->k;
}

static bool filter_supports(const rncl_conv_plan *plan)
{
    return winograd_fits(plan) && plan->pass == RNCL_CONV_BACKWARD_FILTER;
}

/* Cores share the tiles while a sum of their own for each is cheap, else the channels. */
static void filter_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int inputs[] = {1, 2, 4, 8, 16};
    static const int tile_counts[] = {8, 16, 24, 32, 48, 64, 96, 128, 192, 256};
    static const int share_counts[] = {1, 2, 4, 8};
    const rncl_winograd_shape s = winograd_shape_of(plan);
    int vw = winograd_vector(plan->context, &s), units = (int)plan->context->info.compute_units;
    bool large = filter_floats(&s) > ((size_t)1 << 18);
    const int m = winograd_add_m_knob(plan, knobs);
    winograd_add_kv_knob(s.k, vw, knobs);
    rncl_knobs_add(knobs, "cb", MIN(vw, plan->context->info.vector_width >= 16 ? 8 : 4), inputs,
                   COUNT(inputs));
    rncl_knobs_add(knobs, "tiles", winograd_tiling_of(plan, m).positions > 36 ? 32 : 64, tile_counts,
                   COUNT(tile_counts));
    rncl_knobs_add(knobs, "shares", large ? MIN(units, s.k / (knobs->knobs[KV].preset * vw)) : 1,
                   share_counts, COUNT(share_counts));
}

static bool filter_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    const rncl_winograd_shape s = winograd_shape_of(plan);
    int vw = winograd_vector(plan->context, &s);
    return s.k % (v[KV] * vw) == 0 && v[SHARES] <= s.k / (v[KV] * vw) && vw % v[CB] == 0 &&
           v[CB] * v[KV] <= (plan->context->info.vector_width >= 16 ? 28 : 14);
}

static rncl_status filter_plan(rncl_conv_plan *plan)
{
    filter_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a Winograd filter gradient");
    const int *v = plan->values;
    rncl_winograd_shape *s = &data->shape;
    *s = winograd_shape_of(plan);
    s->tiles = v[TILES];
    data->vw = winograd_vector(plan->context, s);
    data->kv = v[KV];
    data->cb = v[CB];
    data->m = v[SIZE];
    int kb = data->kv * data->vw, blocks = s->k / kb, units = (int)plan->context->info.compute_units;
    const winograd_tiling tiling = winograd_tiling_of(plan, data->m);
    data->shares = MIN(v[SHARES], blocks);
    data->parts = MIN(rncl_ceil_div(units, data->shares), winograd_tile_count(s, tiling.tile));
    size_t own_blocks = (size_t)rncl_ceil_div(blocks, data->shares);
    data->scratch_floats = (size_t)tiling.positions *
                               (winograd_step(s->tiles * s->c) + own_blocks * winograd_step(s->tiles * kb)) +
                           (size_t)tiling.filters * winograd_step(data->vw * kb);
    data->scratch_floats = rncl_round_up(data->scratch_floats, plan->context->info.address_alignment);
    size_t items = (size_t)data->parts * (size_t)data->shares;
    size_t sums = data->parts > 1 ? (size_t)data->parts * filter_floats(s) : 0;
    plan->workspace_bytes = sizeof(float) * (items * data->scratch_floats + sums);
    return RNCL_OK;
}

static rncl_status filter_build(rncl_conv_plan *plan)
{
    filter_data *data = plan->data;
    char method[96], options[128];
    winograd_options(plan, data->m, data->vw, data->kv, method, sizeof method);
    snprintf(options, sizeof options, "%s -DCB=%d", method, data->cb);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv/winograd_dfilter", options, "conv_winograd_dfilter",
                                &data->filter));
    snprintf(options, sizeof options, "-DVW=%d", data->vw);
    return rncl_kernel_create(plan->context, "conv/reduce", options, "conv_reduce", &data->reduce);
}

/* Once, since a plan is given the same workspace at every step. */
static rncl_status cut_workspace(rncl_conv_plan *plan, cl_mem workspace)
{
    filter_data *data = plan->data;
    if (data->workspace == workspace)
        return RNCL_OK;
    rncl_buffer_release(data->scratch);
    rncl_buffer_release(data->sums);
    data->scratch = data->sums = data->workspace = NULL;
    size_t scratch_bytes = sizeof(float) * data->scratch_floats * (size_t)data->parts * (size_t)data->shares;
    RNCL_TRY(rncl_buffer_slice(workspace, 0, scratch_bytes, &data->scratch));
    if (data->parts > 1)
        RNCL_TRY(
            rncl_buffer_slice(workspace, scratch_bytes, plan->workspace_bytes - scratch_bytes, &data->sums));
    data->workspace = workspace;
    return RNCL_OK;
}

static rncl_status filter_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    filter_data *data = plan->data;
    bool in_place = data->parts == 1;
    RNCL_TRY(cut_workspace(plan, buffers->workspace));
    rncl_range range = {.global = {(size_t)data->parts, (size_t)data->shares}, .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(plan->context, &data->filter, range, RNCL_STRUCT(data->shape),
                         RNCL_BUFFER(buffers->x), RNCL_BUFFER(buffers->y),
                         RNCL_BUFFER(*(in_place ? &buffers->filter : &data->sums)),
                         RNCL_BUFFER(data->scratch), RNCL_INT((cl_int)data->scratch_floats),
                         RNCL_INT(in_place && buffers->accumulate)));
    if (in_place)
        return RNCL_OK;
    int count = (int)filter_floats(&data->shape);
    range = (rncl_range){.global = {rncl_round_up((size_t)(count / data->vw), 64)}, .local = {64, 1, 1}};
    return rncl_launch(plan->context, &data->reduce, range, RNCL_INT(count), RNCL_INT(data->parts),
                       RNCL_BUFFER(data->sums), RNCL_BUFFER(buffers->filter), RNCL_INT(buffers->accumulate));
}

static void filter_destroy(rncl_conv_plan *plan)
{
    filter_data *data = plan->data;
    if (!data)
        return;
    rncl_buffer_release(data->scratch);
    rncl_buffer_release(data->sums);
    rncl_kernel_fini(&data->filter);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_winograd_filter = {
    .name = "winograd",
    .kernels = "conv/winograd conv/reduce statistics",
    .supports = filter_supports,
    .pays = winograd_is_worthwhile,
    .knobs = filter_knobs,
    .allows = filter_allows,
    .plan = filter_plan,
    .build = filter_build,
    .enqueue = filter_enqueue,
    .destroy = filter_destroy,
};
