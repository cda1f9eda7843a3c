/* The filter gradient of the direct convolution (kernels/conv_direct_filter.cl): private sums over equal
 * shares of the batch, added up in order. */
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "launch.h"
#include "util.h"

typedef struct filter_data {
    rncl_direct_shape shape;
    direct_parameters parameters;
    int channel_shares, parts;
    rncl_kernel filter, reduce;
} filter_data;

/* The order of the knobs. */
enum { VW, KV, CB, ROWS };

static bool needs_stage(const rncl_direct_shape *s)
{
    return s->pad_top || s->pad_left;
}

static bool filter_supports(const rncl_conv_plan *plan)
{
    rncl_direct_shape s = direct_dense_shape(&plan->shape);
    return plan->pass == RNCL_CONV_BACKWARD_FILTER && !direct_is_pointwise(&plan->shape) &&
           (!needs_stage(&s) || direct_staged_floats(&s, 1, 1) <= direct_stage_limit(plan->context));
}

static int largest_divisor(int value, int limit)
{
    int divisor = MIN(value, limit);
    while (value % divisor)
        divisor--;
    return divisor;
}

/* A block of sums is loaded and stored once a tile: long tiles, but one for each core at least. */
static void filter_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    const rncl_context *context = plan->context;
    const rncl_direct_shape s = direct_dense_shape(&plan->shape);
    direct_add_vector_knobs(context, s.k, knobs);
    const int kv = knobs->knobs[KV].preset;
    static const int inputs[] = {1, 2, 3, 4, 6, 7, 8, 9, 12, 14, 16};
    rncl_knobs_add(knobs, "cb", largest_divisor(s.s * s.c, direct_accumulators(context) / kv), inputs,
                   COUNT(inputs));
    const direct_parameters p = {.bh = 1, .bw = 1};
    int wanted = MIN(rncl_ceil_div(512, s.q), rncl_ceil_div(s.n * s.p, (int)context->info.compute_units));
    direct_add_rows_knob(direct_tile_rows(context, &s, &p, wanted, needs_stage(&s)), s.p, knobs);
}

static bool filter_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    const rncl_direct_shape s = direct_dense_shape(&plan->shape);
    return s.k % (v[VW] * v[KV]) == 0 && (s.s * s.c) % v[CB] == 0 &&
           v[CB] * v[KV] <= direct_most_accumulators(plan->context) && v[ROWS] <= s.p &&
           (!needs_stage(&s) || direct_staged_floats(&s, 1, v[ROWS]) <= direct_stage_limit(plan->context));
}

static rncl_status filter_plan(rncl_conv_plan *plan)
{
    filter_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a direct filter gradient");
    rncl_direct_shape *s = &data->shape;
    *s = direct_dense_shape(&plan->shape);
    s->tile_rows = plan->values[ROWS];
    direct_parameters *p = &data->parameters;
    *p = (direct_parameters){
        .vw = plan->values[VW], .kv = plan->values[KV], .cb = plan->values[CB], .bh = 1, .bw = 1};
    p->stage = direct_stage(plan->context, s, p, needs_stage(s));
    int units = (int)plan->context->info.compute_units;
    int blocks = s->k / (p->kv * p->vw), tiles = direct_tile_count(s);
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
    direct_format_options(&data->parameters, options, sizeof options);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv_direct_filter", options, "conv_direct_filter",
                                &data->filter));
    snprintf(options, sizeof options, "-DVW=%d", data->parameters.vw);
    return rncl_kernel_create(plan->context, "conv_reduce", options, "conv_reduce", &data->reduce);
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
    range = (rncl_range){.global = {rncl_round_up((size_t)(count / data->parameters.vw), 64)},
                         .local = {64, 1, 1}};
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
    .exact = true,
    .supports = filter_supports,
    .knobs = filter_knobs,
    .allows = filter_allows,
    .plan = filter_plan,
    .build = filter_build,
    .enqueue = filter_enqueue,
    .destroy = filter_destroy,
};
