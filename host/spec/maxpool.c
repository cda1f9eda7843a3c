/* Max pooling: slices are a few images and channels. With integers most windows contain their maximum
 * several times: the specification says which one wins. */
#include "draw.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static bool maxpool_complete(rncl_op_desc *desc)
{
    rncl_maxpool_shape *s = &desc->maxpool;
    s->p = rncl_window_output(s->h, s->size, s->stride, s->pad);
    s->q = rncl_window_output(s->w, s->size, s->stride, s->pad);
    return s->p > 0 && s->q > 0;
}

static rncl_spec_layout maxpool_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_maxpool_shape *s = &c->desc.maxpool;
    const bool input = slot == RNCL_SLOT_x || slot == RNCL_SLOT_dx;
    const size_t pixels = input ? (size_t)s->h * (size_t)s->w : (size_t)s->p * (size_t)s->q;
    return (rncl_spec_layout){{(size_t)s->n, pixels, (size_t)s->c},
                              {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
}

static void maxpool_cut(rncl_spec_slice *slice)
{
    rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &slice->part.desc.maxpool.n);
    rncl_slice_pick(slice, RNCL_AXIS_CHANNELS, &slice->part.desc.maxpool.c);
}

static void maxpool_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_maxpool_shape *s = &c->desc.maxpool;
    if (c->pass == RNCL_OP_FORWARD)
        rncl_reference_maxpool_forward(s, t[RNCL_SLOT_x], t[RNCL_SLOT_y]);
    else
        rncl_reference_maxpool_backward(s, t[RNCL_SLOT_x], t[RNCL_SLOT_dy], t[RNCL_SLOT_dx]);
}

/* A pixel's gradient is the sum over the windows that it wins. */
static rncl_spec_sum maxpool_sum(const rncl_spec_case *c, rncl_slot slot)
{
    const int windows = rncl_ceil_div(c->desc.maxpool.size, c->desc.maxpool.stride);
    if (slot != RNCL_SLOT_dx)
        return (rncl_spec_sum){0};
    return (rncl_spec_sum){.terms = windows * windows, .mass = windows * windows};
}

/* Batch, height, width, channels, window, stride, padding. */
#define SHAPE(N, H, W, C, SIZE, STRIDE, PAD)                                                                 \
    {                                                                                                        \
        .desc = {                                                                                            \
            .kind = RNCL_OP_maxpool,                                                                         \
            .maxpool = {N, H, W, C, SIZE, STRIDE, PAD, ((H) + 2 * (PAD) - (SIZE)) / (STRIDE) + 1,            \
                        ((W) + 2 * (PAD) - (SIZE)) / (STRIDE) + 1},                                          \
        }                                                                                                    \
    }

static const rncl_spec_case shapes[] = {
    SHAPE(2, 16, 16, 64, 3, 2, 1), /* after the first convolution */
    SHAPE(2, 15, 15, 16, 3, 2, 1),
    SHAPE(2, 14, 14, 16, 2, 2, 0),
};

static void maxpool_draw(rncl_random *random, rncl_spec_case *c)
{
    rncl_maxpool_shape s = {
        .n = rncl_draw_between(random, 1, 4),
        .h = rncl_draw_extent(random),
        .w = rncl_draw_extent(random),
        .c = rncl_draw_channels(random),
        .size = rncl_draw_between(random, 1, 5),
        .stride = rncl_draw_between(random, 1, 3),
    };
    s.pad = rncl_draw_between(random, 0, s.size / 2);
    s.h = MAX(s.h, s.size - 2 * s.pad);
    s.w = MAX(s.w, s.size - 2 * s.pad);
    c->desc = (rncl_op_desc){.kind = RNCL_OP_maxpool, .maxpool = s};
    maxpool_complete(&c->desc);
}

static double maxpool_work(const rncl_spec_case *c)
{
    const rncl_maxpool_shape *s = &c->desc.maxpool;
    return (double)s->n * MAX((double)s->p * s->q * s->size * s->size, (double)s->h * s->w) * s->c;
}

const rncl_spec rncl_spec_maxpool = {
    .fields = {RNCL_SPEC_FIELD(maxpool, n), RNCL_SPEC_FIELD(maxpool, h), RNCL_SPEC_FIELD(maxpool, w),
               RNCL_SPEC_FIELD(maxpool, c), RNCL_SPEC_FIELD(maxpool, size, .form = true),
               RNCL_SPEC_FIELD(maxpool, stride, .form = true), RNCL_SPEC_FIELD(maxpool, pad, .zero = true)},
    .complete = maxpool_complete,
    .passes =
        {
            [RNCL_OP_FORWARD] = {.reads = RNCL_SLOT_BIT(x),
                                 .results = RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(saved)},
            [RNCL_OP_BACKWARD] = {.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(dy),
                                  .made = RNCL_SLOT_BIT(y) | RNCL_SLOT_BIT(saved),
                                  .results = RNCL_SLOT_BIT(dx)},
        },
    .layout = maxpool_layout,
    .reference = maxpool_reference,
    .sum = maxpool_sum,
    .cut = maxpool_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = maxpool_draw,
    .work = maxpool_work,
};
