/* Winograd's F(4x4, 3x3) (kernels/conv_winograd*.cl), for 3x3 convolutions with stride 1 on devices that want
 * explicit vectors: 36 multiplications where the direct method takes 144. The input gradient is the forward
 * kernel on flipped, transposed filters. */
#include <stdio.h>
#include <stdlib.h>

#include "conv.h"
#include "elementwise.h"
#include "launch.h"
#include "util.h"

typedef struct winograd_data {
    rncl_winograd_shape shape;
    rncl_pack_shape pack;
    int vw, kv, pt; /* as in conv_winograd.cl */
    int items;      /* work-items, each with scratch of its own */
    rncl_kernel convolve, packer;
} winograd_data;

enum { POSITIONS = 36 };

/* What is read (h, w, c) and written (p, q, k) by a pass. */
static rncl_winograd_shape shape_of(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    if (plan->pass == RNCL_CONV_BACKWARD_DATA)
        return (rncl_winograd_shape){
            .n = c->n, .h = c->p, .w = c->q, .c = c->k, .p = c->h, .q = c->w, .k = c->c, .pad = 2 - c->pad};
    return (rncl_winograd_shape){
        .n = c->n, .h = c->h, .w = c->w, .c = c->c, .p = c->p, .q = c->q, .k = c->k, .pad = c->pad};
}

static int tile_count(const rncl_winograd_shape *s)
{
    return s->n * rncl_ceil_div(s->p, 4) * rncl_ceil_div(s->q, 4);
}

static size_t packed_floats(const rncl_winograd_shape *s)
{
    return (size_t)POSITIONS * (size_t)s->c * (size_t)s->k;
}

static bool winograd_supports(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    return c->r == 3 && c->s == 3 && c->stride == 1 && plan->pass != RNCL_CONV_BACKWARD_FILTER &&
           plan->context->device_class != RNCL_CLASS_GPU;
}

/* Whole vectors of channels; tiles that are mostly inside; transformed filters that stay in the cache that
 * all cores share. */
static bool winograd_pays(const rncl_conv_plan *plan)
{
    const rncl_winograd_shape s = shape_of(plan);
    int vector = (int)MIN(plan->context->info.vector_width, 16u);
    return s.c % vector == 0 && s.k % vector == 0 && s.q >= 8 &&
           packed_floats(&s) * sizeof(float) <= (16u << 20);
}

/* Blocks whose transformed inputs fill half of a second-level cache, but enough of them for all cores. */
static void choose_parameters(const rncl_context *context, winograd_data *data)
{
    const rncl_winograd_shape *s = &data->shape;
    data->vw = rncl_elementwise_width(context, s->c);
    while (s->k % data->vw)
        data->vw /= 2;
    data->kv = s->k % (2 * data->vw) == 0 ? 2 : 1;
    data->pt = context->info.vector_width >= 16 ? 8 : 4;
    int units = (int)context->info.compute_units;
    int cached = (int)((512u << 10) / (POSITIONS * sizeof(float) * (size_t)s->c));
    int shared = rncl_ceil_div(tile_count(s), 4 * units);
    data->shape.tiles = MAX(MIN(MIN(cached, shared), 64) / data->pt, 1) * data->pt;
    data->items = MIN(2 * units, rncl_ceil_div(tile_count(s), data->shape.tiles));
}

static rncl_status winograd_plan(rncl_conv_plan *plan)
{
    winograd_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a Winograd convolution");
    const rncl_conv_shape *c = &plan->shape;
    data->shape = shape_of(plan);
    choose_parameters(plan->context, data);
    data->pack = (rncl_pack_shape){
        .out = data->shape.k,
        .in = data->shape.c,
        .r = 3,
        .s = 3,
        .row_stride = 3 * c->c * c->k,
        .column_stride = c->c * c->k,
    };
    if (plan->pass == RNCL_CONV_FORWARD) {
        data->pack.row_step = data->pack.column_step = 1;
        data->pack.in_stride = c->k;
        data->pack.out_stride = 1;
    } else {
        data->pack.row_first = data->pack.column_first = 2;
        data->pack.row_step = data->pack.column_step = -1;
        data->pack.in_stride = 1;
        data->pack.out_stride = c->k;
    }
    plan->packed_floats = packed_floats(&data->shape);
    plan->workspace_bytes = sizeof(float) * (size_t)data->items * POSITIONS * (size_t)data->shape.tiles *
                            (size_t)(data->shape.c + data->kv * data->vw);
    return RNCL_OK;
}

static rncl_status winograd_build(rncl_conv_plan *plan)
{
    winograd_data *data = plan->data;
    char options[96];
    snprintf(options, sizeof options, "-DVW=%d -DKV=%d -DPT=%d", data->vw, data->kv, data->pt);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv_winograd", options, "conv_winograd", &data->convolve));
    snprintf(options, sizeof options, "-DKB=%d", data->kv * data->vw);
    return rncl_kernel_create(plan->context, "conv_winograd_pack", options, "conv_winograd_pack",
                              &data->packer);
}

static rncl_status winograd_prepare(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    winograd_data *data = plan->data;
    rncl_pack_shape pack = data->pack;
    pack.packed_offset = (rncl_int)buffers->packed_offset;
    rncl_range range = rncl_elementwise_range(plan->context, (size_t)pack.in * (size_t)pack.out, 1);
    return rncl_launch(plan->context, &data->packer, range, RNCL_STRUCT(pack), RNCL_BUFFER(buffers->filter),
                       RNCL_BUFFER(buffers->packed));
}

static rncl_status winograd_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    const winograd_data *data = plan->data;
    bool forward = plan->pass == RNCL_CONV_FORWARD;
    rncl_range range = {.global = {(size_t)data->items}, .local = {1, 1, 1}};
    return rncl_launch(plan->context, &data->convolve, range, RNCL_STRUCT(data->shape),
                       RNCL_BUFFER(*(forward ? &buffers->x : &buffers->y)), RNCL_BUFFER(buffers->packed),
                       RNCL_INT((cl_int)buffers->packed_offset),
                       RNCL_BUFFER(*(forward ? &buffers->y : &buffers->x)), RNCL_BUFFER(buffers->workspace),
                       RNCL_INT(buffers->accumulate));
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
    .supports = winograd_supports,
    .pays = winograd_pays,
    .plan = winograd_plan,
    .build = winograd_build,
    .prepare = winograd_prepare,
    .enqueue = winograd_enqueue,
    .destroy = winograd_destroy,
};
