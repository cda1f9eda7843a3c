/* Convolution: every algorithm of the table. */
#include "conv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "op_trial.h"
#include "operations.h"
#include "reference.h"
#include "util.h"

/* Batch, height, width, channels, filter, outputs, stride, padding. */
#define SHAPE(N, H, W, C, R, S, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        .op = {                                                                                              \
            .kind = RNCL_OP_conv,                                                                            \
            .conv = {N, H, W, C, K, R, S, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,               \
                     ((W) + 2 * (PAD) - (S)) / (STRIDE) + 1},                                                \
        }                                                                                                    \
    }

static const check_shape fixed[] = {
    SHAPE(1, 20, 20, 3, 7, 7, 64, 2, 3), /* the first one, for ImageNet */
    SHAPE(2, 12, 12, 3, 3, 3, 16, 1, 1), /* and for CIFAR */
    SHAPE(2, 8, 8, 16, 3, 3, 16, 1, 1),  /* basic blocks */
    SHAPE(2, 8, 8, 16, 3, 3, 32, 2, 1),  /* halving the image */
    SHAPE(1, 7, 7, 32, 3, 3, 64, 1, 1),  /* the odd images of the last stage */
    SHAPE(2, 7, 7, 64, 1, 1, 128, 1, 0), /* bottlenecks */
    SHAPE(2, 7, 7, 128, 1, 1, 64, 1, 0), SHAPE(2, 14, 14, 32, 1, 1, 64, 2, 0), /* projection shortcuts */
};

static const check_variant variants[] = {
    {.name = "integers", .integers = true},
    {.name = "normal, accumulated", .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "integers, parameters accumulated", .integers = true, .flags = RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "normal"},
    {.name = "integers, without dx", .integers = true, .no_dx = true},
    {.name = "normal, dx accumulated", .flags = RNCL_OP_ACCUMULATE_DX},
    {.name = "integers, accumulated",
     .integers = true,
     .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    {.name = "normal, without dx", .no_dx = true},
    {.name = "integers, frozen", .integers = true, .frozen = true},
    {.name = "integers, inference", .integers = true, .inference = true},
    {.name = "normal, parameters accumulated", .flags = RNCL_OP_ACCUMULATE_PARAMS},
};

static void conv_draw(rncl_random *random, check_shape *shape)
{
    rncl_conv_shape conv = {
        .n = check_between(random, 1, 4),
        .h = check_extent(random),
        .w = check_extent(random),
        .c = check_channels(random),
        .k = check_channels(random),
        .r = CHECK_PICK(random, 1, 1, 1, 2, 3, 3, 3, 5, 7),
        .stride = check_between(random, 1, 3),
        .pad = check_between(random, 0, 3),
    };
    conv.s = check_once_in(random, 6) ? CHECK_PICK(random, 1, 2, 3, 4) : conv.r;
    conv.h = MAX(conv.h, conv.r - 2 * conv.pad);
    conv.w = MAX(conv.w, conv.s - 2 * conv.pad);
    conv.p = rncl_window_output(conv.h, conv.r, conv.stride, conv.pad);
    conv.q = rncl_window_output(conv.w, conv.s, conv.stride, conv.pad);
    shape->op = (rncl_op_desc){.kind = RNCL_OP_conv, .conv = conv};
}

static double conv_work(const check_shape *shape)
{
    const rncl_conv_shape *s = &shape->op.conv;
    return (double)s->n * s->p * s->q * s->k * s->r * s->s * s->c;
}

static void conv_describe(const check_shape *shape, char *text, size_t size)
{
    const rncl_conv_shape *s = &shape->op.conv;
    snprintf(text, size, "%dx%dx%dx%d by %dx%dx%d stride %d pad %d", s->n, s->h, s->w, s->c, s->r, s->s, s->k,
             s->stride, s->pad);
}

/* The names of the table, each once. */
static const char *conv_algorithm(size_t index)
{
    for (size_t i = 0; i < rncl_conv_algorithm_count; i++) {
        const char *name = rncl_conv_algorithms[i]->name;
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen = seen || !strcmp(rncl_conv_algorithms[j]->name, name);
        if (!seen && index-- == 0)
            return name;
    }
    return NULL;
}

static const rncl_conv_algorithm *algorithm_of(const check_trial *trial, rncl_conv_pass pass)
{
    return rncl_conv_algorithm_find(
        trial->algorithm,
        &(rncl_conv_plan){.context = trial->context, .shape = trial->shape.op.conv, .pass = pass});
}

/* Passes that the algorithm does not support fall back to others; without the forward pass nothing of it
 * would be checked. */
static bool conv_supports(const check_trial *trial)
{
    return algorithm_of(trial, RNCL_CONV_FORWARD);
}

static rncl_status conv_create(check_trial *trial)
{
    /* CLBlast's take half a minute to compile. */
    if (strcmp(trial->algorithm, rncl_conv_im2col_gemm.name) != 0)
        check_op_draw_knobs(trial);
    RNCL_TRY(check_op_create(trial));
    const rncl_conv_shape *s = &trial->shape.op.conv;
    double forward = (double)s->r * s->s * s->c;
    double backward_data = (double)rncl_ceil_div(s->r, s->stride) * rncl_ceil_div(s->s, s->stride) * s->k;
    double backward_filter = (double)s->n * s->p * s->q;
    const struct {
        check_slot slot;
        double length;
    } results[] = {
        [RNCL_CONV_FORWARD] = {CHECK_y, forward},
        [RNCL_CONV_BACKWARD_DATA] = {CHECK_dx, backward_data},
        [RNCL_CONV_BACKWARD_FILTER] = {CHECK_dweight, backward_filter},
    };
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++) {
        const rncl_conv_algorithm *algorithm = algorithm_of(trial, pass);
        check_expect(trial, results[pass].slot, results[pass].length, sqrt(results[pass].length));
        if (!algorithm || !algorithm->exact)
            check_allow_rounding(trial, results[pass].slot);
    }
    return RNCL_OK;
}

static void conv_reference(check_trial *trial)
{
    const rncl_conv_shape *s = &trial->shape.op.conv;
    check_tensor *t = trial->tensors;
    const double *x = t[CHECK_x].reference, *filter = t[CHECK_weight].reference, *dy = t[CHECK_dy].reference;
    rncl_reference_conv_forward(s, x, filter, t[CHECK_y].reference);
    if (trial->variant->inference)
        return;
    if (t[CHECK_dweight].role != CHECK_ABSENT)
        rncl_reference_conv_backward_filter(s, x, dy, t[CHECK_dweight].reference);
    if (t[CHECK_dx].role != CHECK_ABSENT)
        rncl_reference_conv_backward_data(s, filter, dy, t[CHECK_dx].reference);
}

const check_operation check_conv = {
    .name = "conv",
    .fixed = fixed,
    .fixed_count = COUNT(fixed),
    .variants = variants,
    .variant_count = COUNT(variants),
    .algorithm = conv_algorithm,
    .supports = conv_supports,
    .draw = conv_draw,
    .work = conv_work,
    .describe = conv_describe,
    .create = conv_create,
    .reference = conv_reference,
    .launch = check_op_launch,
    .destroy = check_op_destroy,
};
