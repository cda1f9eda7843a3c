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

bool winograd_fits(const rncl_conv_plan *plan)
{
    const rncl_conv_shape *c = &plan->shape;
    return c->r == 3 && c->s == 3 && c->stride == 1 && plan->context->device_class != RNCL_CLASS_GPU;
}

bool winograd_is_worthwhile(const rncl_context *context, const rncl_winograd_shape *s)
{
    int vector = (int)MIN(context->info.vector_width, 16u);
    return s->c % vector == 0 && s->k % vector == 0 && s->q >= 7;
}
