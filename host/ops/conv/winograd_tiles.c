/* Tiles and knobs of Winograd's convolution. */
#include "winograd_tiles.h"

#include <stdio.h>
#include <string.h>

#include "direct_block.h"
#include "elementwise.h"
#include "util.h"

winograd_tiling winograd_tiling_of(const rncl_pass *pass, int m)
{
    const bool strided = pass->desc.conv.stride == 2;
    const int side = strided ? 2 * m + 1 : m + 2;
    return (winograd_tiling){
        .tile = winograd_is_strided_dx(pass) ? 2 * m : m,
        .positions = side * side,
        .filters = (m + 2) * (m + 2),
    };
}

static int products_of(const rncl_pass *pass, int m)
{
    const winograd_tiling tiling = winograd_tiling_of(pass, m);
    const rncl_winograd_shape s = winograd_shape_of(pass);
    return winograd_tile_count(&s, tiling.tile) * tiling.positions;
}

int winograd_preset_m(const rncl_pass *pass)
{
    return products_of(pass, 2) < products_of(pass, 4) ? 2 : 4;
}

int winograd_add_m_knob(const rncl_pass *pass, rncl_knob_name name, rncl_knobs *knobs)
{
    static const int sizes[] = {2, 4};
    const int preset = winograd_preset_m(pass);
    rncl_knobs_add(knobs, name, preset, sizes, COUNT(sizes));
    return preset;
}

bool winograd_taps_fit(const rncl_pass *pass, int kv)
{
    enum { TAPS = 9 };
    const rncl_winograd_shape s = winograd_shape_of(pass);
    const size_t vw = (size_t)winograd_vector(pass, &s);
    return conv_is_dfilter(pass) ||
           sizeof(float) * TAPS * vw * vw * (size_t)kv <= (size_t)pass->context->info.local_memory;
}

void winograd_add_kv_knob(const rncl_pass *pass, rncl_knob_name name, rncl_knobs *knobs)
{
    static const int vectors[] = {1, 2, 3, 4};
    const rncl_winograd_shape s = winograd_shape_of(pass);
    const int vw = winograd_vector(pass, &s);
    const bool two = s.k % (2 * vw) == 0 && winograd_taps_fit(pass, 2);
    rncl_knobs_add(knobs, name, two ? 2 : 1, vectors, COUNT(vectors));
}

int winograd_vector(const rncl_pass *pass, const rncl_winograd_shape *s)
{
    /* A tile is 36 vectors in registers, of which GPUs have few for each work-item. */
    int vw = pass->context->device_class == RNCL_CLASS_GPU ? 1 : rncl_elementwise_width(pass, s->c);
    while (s->k % vw)
        vw /= 2;
    return vw;
}

bool winograd_is_fixed(const rncl_pass *pass, int m)
{
    const rncl_winograd_shape s = winograd_shape_of(pass);
    return (m == 2 || pass->desc.conv.stride == 1) && direct_has_pairs(pass, winograd_vector(pass, &s)) &&
           rncl_matrix_unit_of(pass->context)->id == RNCL_UNIT_X86_BF16;
}

void winograd_add_fixed_option(const rncl_pass *pass, int m, char options[RNCL_OPTIONS_SIZE])
{
    const size_t length = strlen(options);
    if (winograd_is_fixed(pass, m))
        snprintf(options + length, RNCL_OPTIONS_SIZE - length, " -DFIXED=1%s",
                 pass->context->matrix.emulated ? " -DEMULATED=1" : "");
}

/* The steps of factors, the larger ones, are a 4095th of the largest value. */
double winograd_rounding(const rncl_pass *pass, int m)
{
    return winograd_is_fixed(pass, m) ? 0.5 / 4095 : 0.0;
}

size_t winograd_step(int floats)
{
    return (size_t)floats + RNCL_CACHE_GAP;
}

int winograd_tile_count(const rncl_winograd_shape *s, int tile)
{
    return s->n * rncl_ceil_div(s->p, tile) * rncl_ceil_div(s->q, tile);
}

rncl_winograd_shape winograd_shape_of(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    if (pass->index == RNCL_CONV_BACKWARD_DATA)
        return (rncl_winograd_shape){
            .n = c->n, .h = c->p, .w = c->q, .c = c->k, .p = c->h, .q = c->w, .k = c->c, .pad = 2 - c->pad};
    return (rncl_winograd_shape){
        .n = c->n, .h = c->h, .w = c->w, .c = c->c, .p = c->p, .q = c->q, .k = c->k, .pad = c->pad};
}

bool winograd_is_possible(const rncl_pass *pass)
{
    return pass->desc.conv.r == 3 && pass->desc.conv.s == 3 && pass->desc.conv.stride == 1;
}

bool winograd_fits(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const bool by_halves =
        c->r == 3 && c->s == 3 && c->stride == 2 && (pass->index != RNCL_CONV_BACKWARD_DATA || c->pad == 1);
    return (winograd_is_possible(pass) || by_halves) &&
           pass->context->device_class == RNCL_CLASS_CPU_VECTOR && winograd_taps_fit(pass, 1);
}

bool winograd_is_strided_dx(const rncl_pass *pass)
{
    return pass->desc.conv.stride == 2 && pass->index == RNCL_CONV_BACKWARD_DATA;
}

bool winograd_is_worthwhile(const rncl_pass *pass)
{
    const rncl_winograd_shape s = winograd_shape_of(pass);
    const int vector = pass->context->traits.vector_floats;
    const bool fills_tiles =
        s.q >= SMALL_IMAGE ||
        (s.q >= 4 && winograd_tile_count(&s, winograd_tiling_of(pass, 4).tile) >= FEWEST_SMALL_TILES);
    const bool saves_more = pass->desc.conv.stride == 1 || !direct_has_pairs(pass, vector);
    return s.c % vector == 0 && s.k % vector == 0 && fills_tiles && saves_more;
}
