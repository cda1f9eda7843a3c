/* Convolution. Slices of the forward pass and the input gradient are a few images and channels; those of
 * the filter gradient are a few channels over the whole batch. */
#include <math.h>

#include "draw.h"
#include "products.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static bool conv_complete(rncl_op_desc *desc)
{
    rncl_conv_shape *s = &desc->conv;
    s->p = rncl_window_output(s->h, s->r, s->stride, s->pad);
    s->q = rncl_window_output(s->w, s->s, s->stride, s->pad);
    return s->p > 0 && s->q > 0;
}

static rncl_spec_layout conv_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_conv_shape *s = &c->desc.conv;
    const size_t images = (size_t)s->n, channels = (size_t)s->c, k = (size_t)s->k;
    if ((slot == RNCL_SLOT_residual && !(c->epilogue & RNCL_EPILOGUE_ADD)) ||
        (slot == RNCL_SLOT_coefficients && !c->epilogue))
        return (rncl_spec_layout){{0}, {RNCL_AXIS_WHOLE}};
    switch (slot) {
    case RNCL_SLOT_coefficients:
        return (rncl_spec_layout){{3, 1, k}, {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_OUTPUTS}};
    case RNCL_SLOT_x:
    case RNCL_SLOT_dx:
        return (rncl_spec_layout){{images, (size_t)s->h * (size_t)s->w, channels},
                                  {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    case RNCL_SLOT_y:
    case RNCL_SLOT_residual:
    case RNCL_SLOT_dy:
        return (rncl_spec_layout){{images, (size_t)s->p * (size_t)s->q, k},
                                  {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_OUTPUTS}};
    default: /* the filter and its gradient */
        return (rncl_spec_layout){{(size_t)s->r * (size_t)s->s, channels, k},
                                  {RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS, RNCL_AXIS_OUTPUTS}};
    }
}

static void conv_cut(rncl_spec_slice *slice)
{
    rncl_conv_shape *s = &slice->part.desc.conv;
    if (slice->part.pass != RNCL_CONV_BACKWARD_FILTER)
        rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &s->n);
    if (slice->part.pass != RNCL_CONV_FORWARD)
        rncl_slice_pick(slice, RNCL_AXIS_CHANNELS, &s->c);
    if (slice->part.pass != RNCL_CONV_BACKWARD_DATA)
        rncl_slice_pick(slice, RNCL_AXIS_OUTPUTS, &s->k);
}

/* What an epilogue makes of y (kernels/conv/epilogue.clh). */
static void finish(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_spec_layout layout = conv_layout(c, RNCL_SLOT_y);
    const size_t count = rncl_spec_layout_count(&layout), k = layout.size[2];
    const double *mean = t[RNCL_SLOT_coefficients], *factor = mean + k, *bias = factor + k;
    for (size_t i = 0; i < count; i++) {
        double *y = &t[RNCL_SLOT_y][i];
        *y = (*y - mean[i % k]) * factor[i % k] + bias[i % k];
        if (c->epilogue & RNCL_EPILOGUE_ADD)
            *y += t[RNCL_SLOT_residual][i];
        if (c->epilogue & RNCL_EPILOGUE_RELU)
            *y = fmax(*y, 0);
    }
}

static void conv_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_conv_shape *s = &c->desc.conv;
    if (c->pass == RNCL_CONV_FORWARD) {
        rncl_reference_conv_forward(s, t[RNCL_SLOT_x], t[RNCL_SLOT_weight], t[RNCL_SLOT_y]);
        if (c->epilogue)
            finish(c, t);
    } else if (c->pass == RNCL_CONV_BACKWARD_DATA)
        rncl_reference_conv_backward_data(s, t[RNCL_SLOT_weight], t[RNCL_SLOT_dy], t[RNCL_SLOT_dx]);
    else
        rncl_reference_conv_backward_filter(s, t[RNCL_SLOT_x], t[RNCL_SLOT_dy], t[RNCL_SLOT_dweight]);
}

static rncl_spec_sum conv_sum(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_conv_shape *s = &c->desc.conv;
    double terms = (double)s->n * s->p * s->q;
    if (slot == RNCL_SLOT_y)
        terms = (double)s->r * s->s * s->c;
    else if (slot == RNCL_SLOT_dx)
        terms = (double)rncl_ceil_div(s->r, s->stride) * rncl_ceil_div(s->s, s->stride) * s->k;
    return (rncl_spec_sum){.terms = terms, .typical = sqrt(terms), .mass = terms};
}

/* Batch, height, width, channels, filter, outputs, stride, padding. */
#define SHAPE(N, H, W, C, R, S, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        .desc = {                                                                                            \
            .kind = RNCL_OP_conv,                                                                            \
            .conv = {N, H, W, C, K, R, S, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,               \
                     ((W) + 2 * (PAD) - (S)) / (STRIDE) + 1},                                                \
        }                                                                                                    \
    }

static const rncl_spec_case shapes[] = {
    SHAPE(1, 20, 20, 3, 7, 7, 64, 2, 3),  /* the first one, for ImageNet */
    SHAPE(2, 12, 12, 3, 3, 3, 16, 1, 1),  /* the first one, for CIFAR */
    SHAPE(2, 8, 8, 16, 3, 3, 16, 1, 1),   /* basic blocks */
    SHAPE(2, 8, 8, 16, 3, 3, 32, 2, 1),   /* halving the image */
    SHAPE(1, 7, 7, 32, 3, 3, 64, 1, 1),   /* the odd images of the last stage */
    SHAPE(1, 3, 5, 144, 3, 3, 144, 1, 1), /* sums that some algorithms split */
    SHAPE(11, 2, 2, 32, 3, 3, 64, 1, 1),  /* more small images than a register block has */
    SHAPE(7, 4, 3, 16, 3, 3, 32, 2, 1),   /* the same, halved */
    SHAPE(3, 3, 3, 16, 3, 3, 32, 1, 1),   /* pairs of images, one without a partner */
    SHAPE(2, 7, 7, 64, 1, 1, 128, 1, 0),  /* bottlenecks */
    SHAPE(2, 7, 7, 128, 1, 1, 64, 1, 0),  SHAPE(2, 14, 14, 32, 1, 1, 64, 2, 0), /* projection shortcuts */
};

static void conv_draw(rncl_random *random, rncl_spec_case *c)
{
    rncl_conv_shape s = {
        .n = rncl_draw_between(random, 1, 4),
        .h = rncl_draw_extent(random),
        .w = rncl_draw_extent(random),
        .c = rncl_draw_channels(random),
        .k = rncl_draw_channels(random),
        .r = RNCL_DRAW_PICK(random, 1, 1, 1, 2, 3, 3, 3, 5, 7),
        .stride = rncl_draw_between(random, 1, 3),
        .pad = rncl_draw_between(random, 0, 3),
    };
    s.s = rncl_draw_once_in(random, 6) ? RNCL_DRAW_PICK(random, 1, 2, 3, 4) : s.r;
    s.h = MAX(s.h, s.r - 2 * s.pad);
    s.w = MAX(s.w, s.s - 2 * s.pad);
    c->desc = (rncl_op_desc){.kind = RNCL_OP_conv, .conv = s};
    conv_complete(&c->desc);
}

static double conv_work(const rncl_spec_case *c)
{
    const rncl_conv_shape *s = &c->desc.conv;
    return (double)s->n * s->p * s->q * s->k * s->r * s->s * s->c;
}

const rncl_spec rncl_spec_conv = {
    .fields = {RNCL_SPEC_FIELD(conv, n), RNCL_SPEC_FIELD(conv, h), RNCL_SPEC_FIELD(conv, w),
               RNCL_SPEC_FIELD(conv, c), RNCL_SPEC_FIELD(conv, k), RNCL_SPEC_FIELD(conv, r, .form = true),
               RNCL_SPEC_FIELD(conv, s), RNCL_SPEC_FIELD(conv, stride, .form = true),
               RNCL_SPEC_FIELD(conv, pad, .zero = true)},
    .complete = conv_complete,
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(weight) |
                                            RNCL_SLOT_BIT(residual) | RNCL_SLOT_BIT(coefficients),
                                   .results = RNCL_SLOT_BIT(y)},
            [RNCL_CONV_BACKWARD_DATA] = {.reads = RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(dy),
                                         .results = RNCL_SLOT_BIT(dx)},
            [RNCL_CONV_BACKWARD_FILTER] = {.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(dy),
                                           .results = RNCL_SLOT_BIT(dweight)},
        },
    .layout = conv_layout,
    .reference = conv_reference,
    .sum = conv_sum,
    .unit = rncl_products_unit,
    .cut = conv_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = conv_draw,
    .work = conv_work,
};
