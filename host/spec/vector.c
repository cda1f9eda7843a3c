/* Specifications of operations on vectors. */
#include "vector.h"

#include "draw.h"

rncl_spec_layout rncl_vector_layout(const rncl_spec_case *c, rncl_slot slot)
{
    (void)slot;
    return (rncl_spec_layout){{1, 1, (size_t)c->desc.n},
                              {RNCL_AXIS_WHOLE, RNCL_AXIS_WHOLE, RNCL_AXIS_IMAGES}};
}

void rncl_vector_cut(rncl_spec_slice *slice)
{
    rncl_slice_pick(slice, RNCL_AXIS_IMAGES, &slice->part.desc.n);
}

double rncl_vector_work(const rncl_spec_case *c)
{
    return c->desc.n;
}

rncl_spec_sum rncl_vector_sum(const rncl_spec_case *c, rncl_slot slot)
{
    (void)c, (void)slot;
    return (rncl_spec_sum){.terms = 1, .typical = 1, .mass = 1};
}

int rncl_vector_draw(rncl_random *random)
{
    return rncl_draw_channels(random) * rncl_draw_between(random, 1, 100);
}
