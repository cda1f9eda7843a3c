/* Tiles and knobs of Winograd's convolution. */
#include "winograd_tiles.h"

#include "elementwise.h"
#include "util.h"

void winograd_add_m_knob(rncl_knobs *knobs)
{
    static const int sizes[] = {2, 4};
    rncl_knobs_add(knobs, "m", 4, sizes, COUNT(sizes));
}

void winograd_add_kv_knob(int channels, int vw, int wanted, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4};
    rncl_knobs_add(knobs, "kv", channels % (wanted * vw) == 0 ? wanted : 1, vectors, COUNT(vectors));
}

int winograd_vector(const rncl_context *context, const rncl_winograd_shape *s)
{
    int vw = rncl_elementwise_width(context, s->c);
    while (s->k % vw)
        vw /= 2;
    return vw;
}

int winograd_positions(int m)
{
    return (m + 2) * (m + 2);
}

size_t winograd_step(int floats)
{
    return (size_t)floats + RNCL_WINOGRAD_GAP;
}

int winograd_tile_count(const rncl_winograd_shape *s, int m)
{
    return s->n * rncl_ceil_div(s->p, m) * rncl_ceil_div(s->q, m);
}

rncl_winograd_shape winograd_shape_of(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    if (plan->pass == RNCL_CONV_BACKWARD_DATA)
        return (rncl_winograd_shape){
            .n = c->n, .h = c->p, .w = c->q, .c = c->k, .p = c->h, .q = c->w, .k = c->c, .pad = 2 - c->pad};
    return (rncl_winograd_shape){
        .n = c->n, .h = c->h, .w = c->w, .c = c->c, .p = c->p, .q = c->q, .k = c->k, .pad = c->pad};
}

bool winograd_is_possible(const rncl_conv_plan *plan)
{
    return plan->shape.r == 3 && plan->shape.s == 3 && plan->shape.stride == 1;
}

bool winograd_fits(const rncl_conv_plan *plan)
{
    return winograd_is_possible(plan) && plan->context->device_class == RNCL_CLASS_CPU_VECTOR;
}

bool winograd_is_worthwhile(const rncl_context *context, const rncl_winograd_shape *s)
{
    int vector = (int)MIN(context->info.vector_width, 16u);
    return s->c % vector == 0 && s->k % vector == 0 && s->q >= 7;
}
