/* Division of gradients by the loss's scale. It is not cut: every count is of values from all over the
 * vector.
 */
#include <math.h>

#include "draw.h"
#include "reference.h"
#include "slice.h"
#include "util.h"
#include "vector.h"

static rncl_spec_layout unscale_layout(const rncl_spec_case *c, rncl_slot slot)
{
    const size_t count = slot == RNCL_SLOT_overflows ? RNCL_UNSCALE_PARTS : (size_t)c->desc.unscale.n;
    return (rncl_spec_layout){{1, 1, count}, {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE}};
}

static void unscale_reference(const rncl_spec_case *c, double *const t[RNCL_SLOTS])
{
    rncl_reference_unscale((size_t)c->desc.unscale.n, (double)c->scalars.scale, RNCL_UNSCALE_PARTS,
                           t[RNCL_SLOT_dweight], t[RNCL_SLOT_overflows]);
}

/* Some values are not finite. */
static double unscale_adjust(const rncl_spec_case *c, rncl_slot slot, size_t index, double value)
{
    (void)c, (void)slot;
    return index % 97 == 5 ? copysign(INFINITY, value) : index % 101 == 7 ? NAN : value;
}

static const rncl_spec_case shapes[] = {
    {.desc = {.kind = RNCL_OP_unscale, .unscale = {4097}}, .scalars = {.scale = 0x1p-16f}},
    {.desc = {.kind = RNCL_OP_unscale, .unscale = {2 * RNCL_UNSCALE_PARTS + 33}}, .scalars = {.scale = 0.5f}},
};

static void unscale_draw(rncl_random *random, rncl_spec_case *c)
{
    c->desc = (rncl_op_desc){.kind = RNCL_OP_unscale, .unscale = {rncl_vector_draw(random)}};
    c->scalars = (rncl_op_scalars){.scale = ldexpf(1, -rncl_draw_between(random, 0, 16))};
}

const rncl_spec rncl_spec_unscale = {
    .fields = {RNCL_SPEC_FIELD(unscale, n)},
    .passes = {{.reads = RNCL_SLOT_BIT(dweight),
                .results = RNCL_SLOT_BIT(dweight) | RNCL_SLOT_BIT(overflows)}},
    .scalars = {.scale = 1},
    .layout = unscale_layout,
    .reference = unscale_reference,
    .sum = rncl_vector_sum,
    .adjust = unscale_adjust,
    .shapes = shapes,
    .shape_count = COUNT(shapes),
    .draw = unscale_draw,
    .work = rncl_vector_work,
};
