/* Global average pooling: slices are a few images and channels. */
#include <math.h>

#include "draw.h"
#include "products.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static rncl_spec_layout avgpool_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_avgpool_shape *s = &c->desc.avgpool;
    const bool input = slot == RNCL_SLOT_x || slot == RNCL_SLOT_dx;
    return (rncl_spec_layout){{(size_t)s->n, input ? (size_t)s->h * (size_t)s->w : 1, (size_t)s->c},
                              {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
}

static void avgpool_cut(rncl_spec_slice *slice)
{
    rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &slice->part.desc.avgpool.n);
    rncl_slice_pick(slice, RNCL_AXIS_CHANNELS, &slice->part.desc.avgpool.c);
}

static void avgpool_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_avgpool_shape *s = &c->desc.avgpool;
    if (c->pass == RNCL_OP_FORWARD)
        rncl_reference_avgpool_forward(s, t[RNCL_SLOT_x], t[RNCL_SLOT_y]);
    else
        rncl_reference_avgpool_backward(s, t[RNCL_SLOT_dy], t[RNCL_SLOT_dx]);
}

/* Means are no larger than the values. */
static rncl_spec_sum avgpool_sum(const rncl_spec_case *c, rncl_slot slot)
{
    const double pixels = (double)c->desc.avgpool.h * c->desc.avgpool.w;
    if (slot == RNCL_SLOT_y)
        return (rncl_spec_sum){.terms = pixels, .typical = 1 / sqrt(pixels), .mass = 1};
    return (rncl_spec_sum){.terms = 1, .mass = 1};
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_avgpool, .avgpool = {.n = 4, .h = 8, .w = 8, .c = 64}}},
    {.desc = {.kind = RNCL_OP_avgpool, .avgpool = {.n = 2, .h = 7, .w = 7, .c = 512}}},
};

static void avgpool_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){
        .kind = RNCL_OP_avgpool,
        .avgpool = {.n = rncl_draw_between(random, 1, 8),
                    .h = rncl_draw_extent(random),
                    .w = rncl_draw_extent(random),
                    .c = rncl_draw_channels(random)},
    };
}

static double avgpool_work(const rncl_spec_case *c)
{
    const rncl_avgpool_shape *s = &c->desc.avgpool;
    return (double)s->n * s->h * s->w * s->c;
}

const rncl_spec rncl_spec_avgpool = {
    .fields = {RNCL_SPEC_FIELD(avgpool, n), RNCL_SPEC_FIELD(avgpool, h), RNCL_SPEC_FIELD(avgpool, w),
               RNCL_SPEC_FIELD(avgpool, c)},
    .passes =
        {
            [RNCL_OP_FORWARD] = {.reads = RNCL_SLOT_BIT(x), .results = RNCL_SLOT_BIT(y)},
            [RNCL_OP_BACKWARD] = {.reads = RNCL_SLOT_BIT(dy), .results = RNCL_SLOT_BIT(dx)},
        },
    .layout = avgpool_layout,
    .reference = avgpool_reference,
    .sum = avgpool_sum,
    .unit = rncl_products_unit,
    .cut = avgpool_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = avgpool_draw,
    .work = avgpool_work,
};
