/* Direct convolution with explicit vectors and register blocks (kernels/conv_direct_*.cl). The input gradient
 * is the forward kernel on flipped, transposed filters; with a stride it is one such convolution for each
 * phase of dx. */
#include <stdio.h>
#include <stdlib.h>

#include "conv.h"
#include "launch.h"
#include "util.h"

/* Parameters of a kernel, as in conv_direct.clh. */
typedef struct direct_parameters {
    int vw, kv, bh, bw, cb;
    int stage; /* floats of local memory; 0: x is read in place */
} direct_parameters;

/* One launch of conv_direct_forward. */
typedef struct direct_phase {
    rncl_direct_shape shape;
    rncl_pack_shape pack;
    direct_parameters parameters;
    int channel_shares;
    rncl_kernel forward, packer;
} direct_phase;

enum { MAX_STRIDE = 4, WIDEST_BLOCK = 8 };

typedef struct direct_data {
    /* forward and backward_data */
    int phase_count;
    direct_phase phases[MAX_STRIDE * MAX_STRIDE];
    /* backward_filter */
    rncl_direct_shape shape;
    direct_parameters parameters;
    int channel_shares, parts;
    rncl_kernel filter, reduce;
} direct_data;

/* Vector accumulators: enough to hide the latency of an FMA, few enough to stay in registers beside their
 * operands, of which AVX-512 has 32, older CPUs 16, and devices without vectors hardly any. */
static int accumulators(const rncl_context *context)
{
    if (context->device_class == RNCL_CLASS_SCALAR)
        return 4;
    return context->info.vector_width >= 16 ? 16 : 12;
}

/* The widest vector that the device likes and that divides the channels, and as many of them as help. */
static void choose_vectors(const rncl_context *context, int channels, direct_parameters *p)
{
    p->vw = context->device_class == RNCL_CLASS_SCALAR ? 1 : (int)MIN(context->info.vector_width, 16u);
    while (channels % p->vw)
        p->vw /= 2;
    p->kv = channels % (2 * p->vw) == 0 ? 2 : 1;
}

/* The block of output pixels that wastes least at the edges; small blocks do not hide the latency of an FMA.
 * Few sizes to choose from, so that one program serves many shapes. */
static void choose_block(const rncl_context *context, int height, int width, direct_parameters *p)
{
    static const int widths[] = {1, 2, 4, 7, WIDEST_BLOCK}, heights[] = {1, 2, 4};
    int budget = accumulators(context) / p->kv;
    double best = 0.0;
    for (size_t i = 0; i < COUNT(widths); i++)
        for (size_t j = 0; j < COUNT(heights); j++) {
            int bw = widths[i], bh = heights[j];
            if (bw * bh > budget)
                continue;
            double used = (double)height * width /
                          ((double)rncl_ceil_div(height, bh) * bh * rncl_ceil_div(width, bw) * bw);
            double score = used * bw * bh / (bw * bh + 1.5);
            if (score > best) {
                best = score;
                p->bw = bw;
                p->bh = bh;
            }
        }
}

static size_t staged_floats(const rncl_direct_shape *s, int bw, int tile_rows)
{
    size_t rows = (size_t)((tile_rows - 1) * s->stride + s->r);
    size_t pixels = (size_t)((rncl_ceil_div(s->q, bw) * bw - 1) * s->stride + s->s);
    return rows * pixels * (size_t)s->c;
}

/* Local memory that a tile may fill: it should stay in a core's second-level cache, beside the filters. */
static size_t stage_limit(const rncl_context *context)
{
    return MIN((size_t)context->info.local_memory, (size_t)192 << 10) / sizeof(float);
}

/* Rows of a tile: a multiple of the block, as many as fit and `wanted` asks for. */
static void choose_tile(const rncl_context *context, rncl_direct_shape *s, int wanted, bool needs_stage,
                        direct_parameters *p)
{
    int rows = p->bh;
    while (rows < MIN(wanted, s->p) &&
           (!needs_stage || staged_floats(s, p->bw, rows + p->bh) <= stage_limit(context)))
        rows += p->bh;
    s->tile_rows = rows;
    p->stage = 0;
    if (!needs_stage)
        return;
    /* Powers of two, so that one program serves many shapes. */
    size_t floats = staged_floats(s, p->bw, rows), stage = 4096;
    while (stage < floats)
        stage *= 2;
    p->stage = (int)MIN(stage, stage_limit(context));
}

/* A 1x1 convolution without stride or padding has no rows: its pixels are laid out in whichever rows make
 * whole blocks. */
static void flatten(rncl_direct_shape *s)
{
    if (s->r != 1 || s->s != 1 || s->stride != 1 || s->pad_top || s->pad_left || s->out_stride != 1)
        return;
    int pixels = s->n * s->h * s->w, width = 1;
    for (int candidate = 1; candidate <= MIN(pixels, 28); candidate++)
        if (pixels % candidate == 0 && (candidate <= 14 || width < 7))
            width = candidate;
    s->n = 1;
    s->h = s->p = s->out_h = pixels / width;
    s->w = s->q = s->out_w = width;
}

/* Whether whole register blocks of outputs reach over the edge of what is read. */
static bool reads_outside(const rncl_direct_shape *s, const direct_parameters *p)
{
    int rows = rncl_ceil_div(s->p, p->bh) * p->bh, columns = rncl_ceil_div(s->q, p->bw) * p->bw;
    return s->pad_top || s->pad_left || (rows - 1) * s->stride + s->r > s->h ||
           (columns - 1) * s->stride + s->s > s->w;
}

static int tile_count(const rncl_direct_shape *s)
{
    return s->n * rncl_ceil_div(s->p, s->tile_rows);
}

/* Parameters that serve all phases: chosen for the smallest shape that covers them. */
static void choose_forward(const rncl_conv_plan *plan, direct_data *data)
{
    rncl_direct_shape cover = data->phases[0].shape;
    direct_parameters p = {0};
    for (int i = 1; i < data->phase_count; i++) {
        const rncl_direct_shape *s = &data->phases[i].shape;
        cover.r = MAX(cover.r, s->r);
        cover.s = MAX(cover.s, s->s);
        cover.p = MAX(cover.p, s->p);
        cover.q = MAX(cover.q, s->q);
    }
    choose_vectors(plan->context, cover.k, &p);
    choose_block(plan->context, cover.p, cover.q, &p);
    bool needs_stage = cover.r > 1 || cover.s > 1;
    for (int i = 0; i < data->phase_count; i++)
        needs_stage = needs_stage || reads_outside(&data->phases[i].shape, &p);
    /* Enough pixels that a block of filters is used often once it is in the cache, enough tiles for all
     * cores. */
    int units = (int)plan->context->info.compute_units;
    int most = rncl_ceil_div(cover.n * cover.p, 4 * units);
    choose_tile(plan->context, &cover, MIN(rncl_ceil_div(112, cover.q), most), needs_stage, &p);
    int blocks = cover.k / (p.kv * p.vw);
    for (int i = 0; i < data->phase_count; i++) {
        direct_phase *phase = &data->phases[i];
        phase->parameters = p;
        phase->shape.tile_rows = cover.tile_rows;
        phase->channel_shares = MIN(blocks, rncl_ceil_div(2 * units, tile_count(&phase->shape)));
    }
}

/* The shape of the forward pass, whose y is dense. */
static rncl_direct_shape dense_shape(const rncl_conv_shape *c)
{
    return (rncl_direct_shape){
        .n = c->n,
        .h = c->h,
        .w = c->w,
        .c = c->c,
        .r = c->r,
        .s = c->s,
        .stride = c->stride,
        .pad_top = c->pad,
        .pad_left = c->pad,
        .p = c->p,
        .q = c->q,
        .k = c->k,
        .out_h = c->p,
        .out_w = c->q,
        .out_stride = 1,
    };
}

/* Which taps of a filter of `taps` reach the input positions `phase`, phase + stride, …: first + i * -stride
 * for i < count, and the padding that makes their convolution over dy start in the right place. */
typedef struct phase_taps {
    int count, first, pad, outputs;
} phase_taps;

static phase_taps taps_of_phase(int phase, int stride, int taps, int pad, int input_size)
{
    int least = (phase + pad) % stride;
    int count = taps > least ? rncl_ceil_div(taps - least, stride) : 0;
    return (phase_taps){
        .count = count,
        .first = least + stride * (count - 1),
        .pad = count - 1 - (phase + pad - least) / stride,
        .outputs = input_size > phase ? rncl_ceil_div(input_size - phase, stride) : 0,
    };
}

static bool direct_supports(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    if (plan->pass == RNCL_CONV_BACKWARD_DATA && c->stride > MAX_STRIDE)
        return false;
    if (c->r == 1 && c->s == 1 && c->stride == 1 && c->pad == 0)
        return true;
    /* One row has to fit, rounded up to whole blocks, whichever block will be chosen. */
    rncl_direct_shape s = dense_shape(c);
    if (plan->pass == RNCL_CONV_BACKWARD_DATA)
        s = (rncl_direct_shape){.c = c->k, .r = c->r, .s = c->s, .stride = 1, .q = c->w};
    s.q += WIDEST_BLOCK - 1;
    return staged_floats(&s, 1, 1) <= stage_limit(plan->context);
}

static void plan_forward(rncl_conv_plan *plan, direct_data *data)
{
    const rncl_conv_shape *c = &plan->shape;
    data->phase_count = 1;
    direct_phase *phase = &data->phases[0];
    phase->shape = dense_shape(c);
    phase->pack = (rncl_pack_shape){
        .out = c->k,
        .in = c->c,
        .r = c->r,
        .s = c->s,
        .row_step = 1,
        .column_step = 1,
        .row_stride = c->s * c->c * c->k,
        .column_stride = c->c * c->k,
        .in_stride = c->k,
        .out_stride = 1,
    };
    flatten(&phase->shape);
    choose_forward(plan, data);
    plan->packed_floats = (size_t)c->r * (size_t)c->s * (size_t)c->c * (size_t)c->k;
}

static void plan_backward_data(rncl_conv_plan *plan, direct_data *data)
{
    const rncl_conv_shape *c = &plan->shape;
    size_t packed = 0;
    for (int row = 0; row < c->stride; row++)
        for (int column = 0; column < c->stride; column++) {
            phase_taps vertical = taps_of_phase(row, c->stride, c->r, c->pad, c->h);
            phase_taps horizontal = taps_of_phase(column, c->stride, c->s, c->pad, c->w);
            if (!vertical.outputs || !horizontal.outputs)
                continue;
            direct_phase *phase = &data->phases[data->phase_count++];
            phase->shape = (rncl_direct_shape){
                .n = c->n,
                .h = c->p,
                .w = c->q,
                .c = c->k,
                .r = vertical.count,
                .s = horizontal.count,
                .stride = 1,
                .pad_top = vertical.pad,
                .pad_left = horizontal.pad,
                .p = vertical.outputs,
                .q = horizontal.outputs,
                .k = c->c,
                .out_h = c->h,
                .out_w = c->w,
                .out_stride = c->stride,
                .out_row = row,
                .out_column = column,
            };
            /* A phase that no tap reaches is all zeros: the sum over an empty filter. */
            if (!vertical.count || !horizontal.count) {
                phase->shape.r = phase->shape.s = 0;
                phase->shape.pad_top = phase->shape.pad_left = 0;
            }
            phase->pack = (rncl_pack_shape){
                .out = c->c,
                .in = c->k,
                .r = phase->shape.r,
                .s = phase->shape.s,
                .row_first = vertical.first,
                .row_step = -c->stride,
                .column_first = horizontal.first,
                .column_step = -c->stride,
                .row_stride = c->s * c->c * c->k,
                .column_stride = c->c * c->k,
                .in_stride = 1,
                .out_stride = c->k,
                .packed_offset = (rncl_int)packed,
            };
            packed += (size_t)phase->shape.r * (size_t)phase->shape.s * (size_t)c->c * (size_t)c->k;
            flatten(&phase->shape);
        }
    choose_forward(plan, data);
    plan->packed_floats = packed;
}

static int largest_divisor(int value, int limit)
{
    int divisor = MIN(value, limit);
    while (value % divisor)
        divisor--;
    return divisor;
}

static void plan_backward_filter(rncl_conv_plan *plan, direct_data *data)
{
    const rncl_context *context = plan->context;
    rncl_direct_shape *s = &data->shape;
    direct_parameters *p = &data->parameters;
    *s = dense_shape(&plan->shape);
    flatten(s);
    choose_vectors(context, s->k, p);
    p->bh = p->bw = 1;
    p->cb = largest_divisor(s->s * s->c, accumulators(context) / p->kv);
    bool needs_stage = s->pad_top || s->pad_left;
    /* A block of sums is loaded and stored once a tile: long tiles, but one for each core at least. */
    int units = (int)context->info.compute_units;
    choose_tile(context, s, MIN(rncl_ceil_div(512, s->q), rncl_ceil_div(s->n * s->p, units)), needs_stage, p);
    int blocks = s->k / (p->kv * p->vw), tiles = tile_count(s);
    size_t filter_bytes = sizeof(float) * (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k;
    /* Sums of their own for each share of the tiles are only cheap while they are small. */
    data->channel_shares = filter_bytes > (1u << 20) ? MIN(blocks, 2 * units) : 1;
    data->parts = MIN(tiles, rncl_ceil_div(2 * units, data->channel_shares));
    if (data->parts > 1)
        plan->workspace_bytes = filter_bytes * (size_t)data->parts;
}

static rncl_status direct_plan(rncl_conv_plan *plan)
{
    direct_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a direct convolution");
    static void (*const plan_pass[])(rncl_conv_plan *, direct_data *) = {
        [RNCL_CONV_FORWARD] = plan_forward,
        [RNCL_CONV_BACKWARD_DATA] = plan_backward_data,
        [RNCL_CONV_BACKWARD_FILTER] = plan_backward_filter,
    };
    plan_pass[plan->pass](plan, data);
    return RNCL_OK;
}

static void format_options(char *text, size_t size, const direct_parameters *p)
{
    snprintf(text, size, "-DVW=%d -DKV=%d -DBH=%d -DBW=%d -DCB=%d -DSTAGE=%d", p->vw, p->kv, p->bh, p->bw,
             MAX(p->cb, 1), p->stage);
}

static void format_block(char *text, size_t size, const direct_parameters *p)
{
    snprintf(text, size, "-DVW=%d -DKB=%d", p->vw, p->kv * p->vw);
}

static rncl_status direct_build(rncl_conv_plan *plan)
{
    direct_data *data = plan->data;
    char options[128];
    for (int i = 0; i < data->phase_count; i++) {
        direct_phase *phase = &data->phases[i];
        format_options(options, sizeof options, &phase->parameters);
        RNCL_TRY(rncl_kernel_create(plan->context, "conv_direct_forward", options, "conv_direct_forward",
                                    &phase->forward));
        format_block(options, sizeof options, &phase->parameters);
        RNCL_TRY(rncl_kernel_create(plan->context, "conv_direct_pack", options, "conv_direct_pack",
                                    &phase->packer));
    }
    if (plan->pass != RNCL_CONV_BACKWARD_FILTER)
        return RNCL_OK;
    format_options(options, sizeof options, &data->parameters);
    RNCL_TRY(rncl_kernel_create(plan->context, "conv_direct_filter", options, "conv_direct_filter",
                                &data->filter));
    format_block(options, sizeof options, &data->parameters);
    return rncl_kernel_create(plan->context, "conv_direct_pack", options, "conv_direct_reduce",
                              &data->reduce);
}

static rncl_status direct_prepare(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    direct_data *data = plan->data;
    for (int i = 0; i < data->phase_count; i++) {
        direct_phase *phase = &data->phases[i];
        rncl_pack_shape pack = phase->pack;
        pack.packed_offset += (rncl_int)buffers->packed_offset;
        int block = phase->parameters.kv * phase->parameters.vw;
        size_t items = (size_t)pack.out / (size_t)block * (size_t)pack.in * (size_t)pack.r * (size_t)pack.s;
        if (items == 0)
            continue;
        rncl_range range = {.global = {rncl_round_up(items, 64)}, .local = {64, 1, 1}};
        RNCL_TRY(rncl_launch(plan->context, &phase->packer, range, RNCL_STRUCT(pack),
                             RNCL_BUFFER(buffers->filter), RNCL_BUFFER(buffers->packed)));
    }
    return RNCL_OK;
}

static rncl_status enqueue_phases(rncl_conv_plan *plan, const rncl_conv_buffers *buffers, const cl_mem *input,
                                  const cl_mem *output)
{
    direct_data *data = plan->data;
    for (int i = 0; i < data->phase_count; i++) {
        const direct_phase *phase = &data->phases[i];
        if (buffers->accumulate && phase->shape.r == 0)
            continue; /* no tap reaches it: nothing to add */
        size_t tiles = (size_t)tile_count(&phase->shape);
        rncl_range range = {.global = {tiles, (size_t)phase->channel_shares}, .local = {1, 1, 1}};
        RNCL_TRY(rncl_launch(plan->context, &phase->forward, range, RNCL_STRUCT(phase->shape),
                             RNCL_BUFFER(*input), RNCL_BUFFER(buffers->packed),
                             RNCL_INT((cl_int)buffers->packed_offset + phase->pack.packed_offset),
                             RNCL_BUFFER(*output), RNCL_INT(buffers->accumulate)));
    }
    return RNCL_OK;
}

static rncl_status enqueue_filter(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    direct_data *data = plan->data;
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

static rncl_status direct_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    switch (plan->pass) {
    case RNCL_CONV_FORWARD:
        return enqueue_phases(plan, buffers, &buffers->x, &buffers->y);
    case RNCL_CONV_BACKWARD_DATA:
        return enqueue_phases(plan, buffers, &buffers->y, &buffers->x);
    default:
        return enqueue_filter(plan, buffers);
    }
}

static void direct_destroy(rncl_conv_plan *plan)
{
    direct_data *data = plan->data;
    if (!data)
        return;
    for (int i = 0; i < data->phase_count; i++) {
        rncl_kernel_fini(&data->phases[i].forward);
        rncl_kernel_fini(&data->phases[i].packer);
    }
    rncl_kernel_fini(&data->filter);
    rncl_kernel_fini(&data->reduce);
    free(data);
}

const rncl_conv_algorithm rncl_conv_direct = {
    .name = "direct",
    .exact = true,
    .supports = direct_supports,
    .plan = direct_plan,
    .build = direct_build,
    .prepare = direct_prepare,
    .enqueue = direct_enqueue,
    .destroy = direct_destroy,
};
