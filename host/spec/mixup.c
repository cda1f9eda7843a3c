/* Mixup of pictures. Slices are a few values of all pictures. */
#include "draw.h"
#include "reference.h"
#include "slice.h"
#include "util.h"

static rncl_spec_layout mixup_layout(const rncl_spec_case *c, rncl_slot slot)
{
    (void)slot;
    return (rncl_spec_layout){{(size_t)c->desc.mixup.n, 1, (size_t)c->desc.mixup.floats},
                              {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_CHANNELS}};
}

static void mixup_cut(rncl_spec_slice *slice)
{
    rncl_slice_pick(slice, RNCL_AXIS_CHANNELS, &slice->part.desc.mixup.floats);
}

static void mixup_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    rncl_reference_mixup(c->desc.mixup.n, (size_t)c->desc.mixup.floats, (double)c->scalars.mix,
                         t[RNCL_SLOT_x]);
}

static rncl_spec_sum mixup_sum(const rncl_spec_case *c, rncl_slot slot)
{
    (void)c, (void)slot;
    return (rncl_spec_sum){.terms = 1, .typical = 1, .mass = 1};
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_mixup, .mixup = {8, 32 * 32 * 3}}, .scalars = {.mix = 0.3f}},
    {.desc = {.kind = RNCL_OP_mixup, .mixup = {5, 28 * 28}}, .scalars = {.mix = 0.7f}},
    {.desc = {.kind = RNCL_OP_mixup, .mixup = {1, 75}}, .scalars = {.mix = 0.5f}},
};

static void mixup_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){
        .kind = RNCL_OP_mixup,
        .mixup = {.n = rncl_draw_between(random, 1, 9),
                  .floats = rncl_draw_channels(random) * rncl_draw_between(random, 1, 40)},
    };
    c->scalars = (rncl_op_scalars){.mix = rncl_random_uniform(random)};
}

static double mixup_work(const rncl_spec_case *c)
{
    return (double)c->desc.mixup.n * c->desc.mixup.floats;
}

const rncl_spec rncl_spec_mixup = {
    .fields = {RNCL_SPEC_FIELD(mixup, n), RNCL_SPEC_FIELD(mixup, floats)},
    .passes = {{.reads = RNCL_SLOT_BIT(x), .results = RNCL_SLOT_BIT(x)}},
    .scalars = {.mix = 0.3f},
    .layout = mixup_layout,
    .reference = mixup_reference,
    .sum = mixup_sum,
    .cut = mixup_cut,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = mixup_draw,
    .work = mixup_work,
};
