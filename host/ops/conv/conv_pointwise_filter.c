/* The filter gradient of 1x1 convolutions (kernels/conv/pointwise_dfilter.cl), on devices that want explicit
 * vectors and work-groups of one work-item. */
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "elementwise.h"
#include "launch.h"
#include "util.h"

typedef struct pointwise_data {
    int vw, kv, cb, pixels, chunk; /* as in conv/pointwise_dfilter.cl */
    int parts, shares;             /* of the pixels, of the output channels */
    rncl_kernel filter, reduce;
} pointwise_data;

/* The order of the knobs. */
enum { KV, CB, PIXELS, CHUNK };

static int vector_of(const rncl_conv_plan *plan)
{
    int vw = direct_vector(plan->context, plan->shape.c);
    while (plan->shape.k % vw)
        vw /= 2;
    return vw;
}

static bool pointwise_supports(const rncl_conv_plan *plan)
{
    return plan->pass == RNCL_CONV_BACKWARD_FILTER && direct_is_pointwise(&plan->shape) &&
           direct_items_may_run_long(plan->context);
}

/* Floats of local memory: as in the kernel, PIXELS of CHUNK input channels and of a block of output channels.
 */
static size_t staged_floats(int pixels, int chunk, int cb, int kb)
{
    return (size_t)(chunk / cb) * (size_t)(pixels * cb + RNCL_CACHE_GAP) + (size_t)(pixels * kb);
}

/* So many input channels that copying the output channels is little beside using them; so few pixels that a
 * block of output channels stays in the first-level cache. */
static void pointwise_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4}, inputs[] = {1, 2, 4, 8, 16};
    static const int pixel_counts[] = {32, 64, 96, 128, 192, 256, 512}, chunks[] = {16, 32, 64, 128, 256};
    const int vw = vector_of(plan), kv = direct_vectors(plan->shape.k, vw);
    const int cb = MIN(vw, plan->context->info.vector_width >= 16 ? 8 : 4);
    int pixels = 128, chunk = 256;
    while (chunk > vw && staged_floats(pixels, chunk, cb, kv * vw) > direct_stage_limit(plan->context))
        chunk /= 2;
    while (pixels > 1 && staged_floats(pixels, chunk, cb, kv * vw) > direct_stage_limit(plan->context))
        pixels /= 2;
    rncl_knobs_add(knobs, "kv", kv, vectors, COUNT(vectors));
    rncl_knobs_add(knobs, "cb", cb, inputs, COUNT(inputs));
    rncl_knobs_add(knobs, "pixels", pixels, pixel_counts, COUNT(pixel_counts));
    rncl_knobs_add(knobs, "chunk", chunk, chunks, COUNT(chunks));
}

static bool pointwise_allows(const rncl_conv_plan *plan)
{
    const int *v = plan->values;
    int vw = vector_of(plan);
    return plan->shape.k % (v[KV] * vw) == 0 && vw % v[CB] == 0 && v[CHUNK] % vw == 0 &&
           v[KV] * v[CB] <= direct_most_accumulators(plan->context) &&
           staged_floats(v[PIXELS], v[CHUNK], v[CB], v[KV] * vw) <= direct_stage_limit(plan->context);
}

static rncl_status pointwise_plan(rncl_conv_plan *plan)
{
    pointwise_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a pointwise filter gradient");
    const int *v = plan->values;
    const rncl_conv_shape *c = &plan->shape;
    *data = (pointwise_data){
        .vw = vector_of(plan), .kv = v[KV], .cb = v[CB], .pixels = v[PIXELS], .chunk = v[CHUNK]};
    int units = (int)plan->context->info.compute_units, blocks = c->k / (data->kv * data->vw);
    size_t filter_bytes = sizeof(float) * (size_t)c->c * (size_t)c->k;
    /* Sums of their own for each share of the pixels are only cheap while they are small. */
    data->shares = filter_bytes > (1u << 20) ? MIN(blocks, units) : 1;
    data->parts = MIN(rncl_ceil_div(units, data->shares), c->n * c->p * c->q);
    if (data->parts > 1)
        plan->workspace_bytes = filter_bytes * (size_t)data->parts;
    return RNCL_OK;
}

static rncl_status pointwise_build(rncl_conv_plan *plan)
{
    pointwise_data *data = plan->data;
    char options[128];
    snprintf(options, sizeof options, "-DVW=%d -DKV=%d -DCB=%d -DPIXELS=%d -DCHUNK=%d", data->vw, data->kv,
             data->cb, data->pixels, data->chunk);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv/pointwise_dfilter", options, "conv_pointwise_dfilter",
                                &data->filter));
    snprintf(options, sizeof options, "-DVW=%d", data->vw);
    return rncl_kernel_create(plan->context, "conv/reduce", options, "conv_reduce", &data->reduce);
}

static rncl_status pointwise_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const pointwise_data *data = plan->data;
    bool in_place = data->parts == 1;
    rncl_range range = {.global = {(size_t)data->parts, (size_t)data->shares}, .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(plan->context, &data->filter, range, RNCL_STRUCT(plan->shape),
                         RNCL_BUFFER(buffers->x), RNCL_BUFFER(buffers->y),
                         RNCL_BUFFER(*(in_place ? &buffers->filter : &buffers->workspace)),
                         RNCL_INT(in_place && buffers->accumulate)));
    if (in_place)
        return RNCL_OK;
    int count = plan->shape.c * plan->shape.k;
    range = (rncl_range){.global = {rncl_round_up((size_t)(count / data->vw), 64)}, .local = {64, 1, 1}};
    return rncl_launch(plan->context, &data->reduce, range, RNCL_INT(count), RNCL_INT(data->parts),
                       RNCL_BUFFER(buffers->workspace), RNCL_BUFFER(buffers->filter),
                       RNCL_INT(buffers->accumulate));
}

static void pointwise_destroy(rncl_conv_plan *plan)
{
    pointwise_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->filter);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_pointwise_filter = {
    .name = "direct",
    .kernels = "conv/direct conv/pointwise conv/reduce statistics",
    .exact = true,
    .supports = pointwise_supports,
    .knobs = pointwise_knobs,
    .allows = pointwise_allows,
    .plan = pointwise_plan,
    .build = pointwise_build,
    .enqueue = pointwise_enqueue,
    .destroy = pointwise_destroy,
};
