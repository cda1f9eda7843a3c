/* Fully connected layer: slices of the forward pass and the input gradient are a few rows, those of the
 * filter gradient a few outputs. */
#include <math.h>

#include "draw.h"
#include "products.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static rncl_spec_layout linear_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_linear_shape *s = &c->desc.linear;
    const size_t n = (size_t)s->n, inputs = (size_t)s->c, outputs = (size_t)s->k;
    switch (slot) {
    case RNCL_SLOT_x:
    case RNCL_SLOT_dx:
        return (rncl_spec_layout){{n, 1, inputs}, {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
    case RNCL_SLOT_y:
    case RNCL_SLOT_dy:
        return (rncl_spec_layout){{n, 1, outputs}, {RNCL_AXIS_IMAGES, RNCL_AXIS_WHOLE, RNCL_AXIS_OUTPUTS}};
    case RNCL_SLOT_bias:
    case RNCL_SLOT_dbias:
        return (rncl_spec_layout){{1, 1, outputs}, {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_OUTPUTS}};
    default: /* weight and its gradient */
        return (rncl_spec_layout){{1, inputs, outputs},
                                  {RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS, RNCL_AXIS_OUTPUTS}};
    }
}

static void linear_cut(rncl_spec_slice *slice)
{
    rncl_linear_shape *s = &slice->part.desc.linear;
    if (slice->part.pass == RNCL_CONV_BACKWARD_FILTER)
        rncl_slice_pick(slice, RNCL_AXIS_OUTPUTS, &s->k);
    else
        rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &s->n);
}

static void linear_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    const rncl_linear_shape *s = &c->desc.linear;
    const double *x = t[RNCL_SLOT_x], *weight = t[RNCL_SLOT_weight], *dy = t[RNCL_SLOT_dy];
    if (c->pass == RNCL_CONV_FORWARD)
        rncl_reference_linear_forward(s, x, weight, t[RNCL_SLOT_bias], t[RNCL_SLOT_y]);
    else if (c->pass == RNCL_CONV_BACKWARD_DATA)
        rncl_reference_linear_backward(s, x, weight, dy, t[RNCL_SLOT_dx], NULL, NULL);
    else
        rncl_reference_linear_backward(s, x, weight, dy, NULL, t[RNCL_SLOT_dweight], t[RNCL_SLOT_dbias]);
}

static rncl_spec_sum linear_sum(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_linear_shape *s = &c->desc.linear;
    const double terms = slot == RNCL_SLOT_y ? s->c : slot == RNCL_SLOT_dx ? s->k : s->n;
    return (rncl_spec_sum){.terms = terms, .typical = sqrt(terms), .mass = terms + 1};
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_linear, .linear = {.n = 8, .c = 64, .k = 10}}},
    {.desc = {.kind = RNCL_OP_linear, .linear = {.n = 4, .c = 512, .k = 100}}},
    {.desc = {.kind = RNCL_OP_linear, .linear = {.n = 1, .c = 512, .k = 1000}}},
};

static void linear_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){
        .kind = RNCL_OP_linear,
        .linear = {.n = RNCL_DRAW_PICK(random, 1, 1, 2, 3, 7, 8, 16, 31, 50),
                   .c = rncl_draw_channels(random) * rncl_draw_between(random, 1, 4),
                   .k = rncl_draw_channels(random) + (rncl_draw_once_in(random, 4) ? 100 : 0)},
    };
}

static double linear_work(const rncl_spec_case *c)
{
    const rncl_linear_shape *s = &c->desc.linear;
    return (double)s->n * s->c * s->k;
}

const rncl_spec rncl_spec_linear = {
    .fields = {RNCL_SPEC_FIELD(linear, n), RNCL_SPEC_FIELD(linear, c), RNCL_SPEC_FIELD(linear, k)},
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(bias),
                                   .results = RNCL_SLOT_BIT(y)},
            [RNCL_CONV_BACKWARD_DATA] = {.reads = RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(dy),
                                         .results = RNCL_SLOT_BIT(dx)},
            [RNCL_CONV_BACKWARD_FILTER] = {.reads = RNCL_SLOT_BIT(x) | RNCL_SLOT_BIT(dy),
                                           .results = RNCL_SLOT_BIT(dweight) | RNCL_SLOT_BIT(dbias)},
        },
    .layout = linear_layout,
    .reference = linear_reference,
    .sum = linear_sum,
    .unit = rncl_products_unit,
    .cut = linear_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = linear_draw,
    .work = linear_work,
};
