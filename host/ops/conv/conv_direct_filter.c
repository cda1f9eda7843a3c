/* The filter gradient of the direct convolution (kernels/conv/direct_dfilter.cl): private sums over equal
 * shares of the batch, added up in order. */
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "launch.h"
#include "util.h"

typedef struct filter_data {
    rncl_direct_shape shape;
    int vw, kv, cb, chunk, group, stage; /* as in conv/direct_dfilter.cl; group is VC */
    int channel_shares, parts;
    rncl_kernel filter, reduce;
} filter_data;

/* The order of the knobs. */
enum { VW, KV, CB, CHUNK, ROWS };

/* Channels of a group: a whole vector, or all of them where they are few. */
static int group_of(const rncl_conv_plan *plan, int vw)
{
    return plan->shape.c % vw == 0 ? vw : plan->shape.c;
}

/* Floats that a tile of so many rows and channels occupies in local memory. */
static size_t staged_floats(const rncl_direct_shape *s, int rows, int channels)
{
    size_t pixels = (size_t)((s->q - 1) * s->stride + s->s);
    return (size_t)((rows - 1) * s->stride + s->r) * pixels * (size_t)channels;
}

static bool filter_supports(const rncl_conv_plan *plan)
{
    const rncl_direct_shape s = direct_dense_shape(&plan->shape);
    int vw = direct_vector(plan->context, s.k);
    return plan->pass == RNCL_CONV_BACKWARD_FILTER && !direct_is_pointwise(&plan->shape) &&
           direct_items_may_run_long(plan->context) &&
           staged_floats(&s, 1, group_of(plan, vw)) <= direct_stage_limit(plan->context);
}

static int largest_divisor(int value, int limit)
{
    int divisor = MIN(value, limit);
    while (value % divisor)
        divisor--;
    return divisor;
}

/* A block of sums is loaded and stored once a tile: long tiles, but one for each core at least. */
static int preset_rows(const rncl_conv_plan *plan, const rncl_direct_shape *s, int chunk)
{
    int wanted =
        MIN(rncl_ceil_div(512, s->q), rncl_ceil_div(s->n * s->p, (int)plan->context->info.compute_units));
    int rows = 1;
    while (rows < MIN(wanted, s->p) && staged_floats(s, rows + 1, chunk) <= direct_stage_limit(plan->context))
        rows++;
    return rncl_ceil_div(s->p, rncl_ceil_div(s->p, rows)); /* of equal size */
}

static void filter_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int inputs[] = {1, 2, 3, 4, 6, 7, 8, 9, 12, 14, 16}, chunks[] = {8, 16, 32, 64, 128};
    const rncl_direct_shape s = direct_dense_shape(&plan->shape);
    direct_add_vector_knobs(plan->context, s.k, direct_vectors(s.k, direct_vector(plan->context, s.k)),
                            knobs);
    int group = group_of(plan, knobs->knobs[VW].preset), stretch = group == s.c ? s.s * group : group;
    int chunk = group;
    while (chunk < MIN(s.c, 64) && s.c % (2 * chunk) == 0 &&
           staged_floats(&s, 1, 2 * chunk) <= direct_stage_limit(plan->context))
        chunk *= 2;
    rncl_knobs_add(knobs, "cb",
                   largest_divisor(stretch, direct_accumulators(plan->context) / knobs->knobs[KV].preset),
                   inputs, COUNT(inputs));
    rncl_knobs_add(knobs, "chunk", chunk, chunks, COUNT(chunks));
    direct_add_rows_knob(preset_rows(plan, &s, chunk), s.p, knobs);
}

static bool filter_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    const rncl_direct_shape s = direct_dense_shape(&plan->shape);
    int group = group_of(plan, v[VW]), stretch = group == s.c ? s.s * group : group;
    return s.k % (v[VW] * v[KV]) == 0 && stretch % v[CB] == 0 && v[CHUNK] % group == 0 && v[CHUNK] <= s.c &&
           v[CB] * v[KV] <= direct_most_accumulators(plan->context) && v[ROWS] <= s.p &&
           staged_floats(&s, v[ROWS], v[CHUNK]) <= direct_stage_limit(plan->context);
}

static rncl_status filter_plan(rncl_conv_plan *plan)
{
    filter_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a direct filter gradient");
    const int *v = plan->values;
    rncl_direct_shape *s = &data->shape;
    *s = direct_dense_shape(&plan->shape);
    s->tile_rows = v[ROWS];
    data->vw = v[VW];
    data->kv = v[KV];
    data->cb = v[CB];
    data->chunk = v[CHUNK];
    data->group = group_of(plan, v[VW]);
    data->stage = direct_stage_size(plan->context, staged_floats(s, v[ROWS], v[CHUNK]));
    int units = (int)plan->context->info.compute_units;
    int blocks = s->k / (data->kv * data->vw), tiles = direct_tile_count(s);
    size_t filter_bytes = sizeof(float) * (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k;
    /* Sums of their own for each share of the tiles are only cheap while they are small. */
    data->channel_shares = filter_bytes > (1u << 20) ? MIN(blocks, 2 * units) : 1;
    data->parts = MIN(tiles, rncl_ceil_div(2 * units, data->channel_shares));
    if (data->parts > 1)
        plan->workspace_bytes = filter_bytes * (size_t)data->parts;
    return RNCL_OK;
}

static rncl_status filter_build(rncl_conv_plan *plan)
{
    filter_data *data = plan->data;
    char options[128];
    snprintf(options, sizeof options, "-DVW=%d -DKV=%d -DCB=%d -DCHUNK=%d -DVC=%d -DSTAGE=%d", data->vw,
             data->kv, data->cb, data->chunk, data->group, data->stage);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv/direct_dfilter", options, "conv_direct_dfilter",
                                &data->filter));
    snprintf(options, sizeof options, "-DVW=%d", data->vw);
    return rncl_kernel_create(plan->context, "conv/reduce", options, "conv_reduce", &data->reduce);
}

static rncl_status filter_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const filter_data *data = plan->data;
    bool in_place = data->parts == 1;
    rncl_range range = {.global = {(size_t)data->channel_shares, (size_t)data->parts}, .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(plan->context, &data->filter, range, RNCL_STRUCT(data->shape),
                         RNCL_BUFFER(buffers->x), RNCL_BUFFER(buffers->y),
                         RNCL_BUFFER(*(in_place ? &buffers->filter : &buffers->workspace)),
                         RNCL_INT(in_place && buffers->accumulate)));
    if (in_place)
        return RNCL_OK;
    const rncl_direct_shape *s = &data->shape;
    int count = s->r * s->s * s->c * s->k;
    range = (rncl_range){.global = {rncl_round_up((size_t)(count / data->vw), 64)}, .local = {64, 1, 1}};
    return rncl_launch(plan->context, &data->reduce, range, RNCL_INT(count), RNCL_INT(data->parts),
                       RNCL_BUFFER(buffers->workspace), RNCL_BUFFER(buffers->filter),
                       RNCL_INT(buffers->accumulate));
}

static void filter_destroy(rncl_conv_plan *plan)
{
    filter_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->filter);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_direct_filter = {
    .name = "direct",
    .kernels = "conv/direct conv/pointwise conv/reduce statistics",
    .exact = true,
    .supports = filter_supports,
    .knobs = filter_knobs,
    .allows = filter_allows,
    .plan = filter_plan,
    .build = filter_build,
    .enqueue = filter_enqueue,
    .destroy = filter_destroy,
};
