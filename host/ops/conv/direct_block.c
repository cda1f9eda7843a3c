/* Register blocks and tiles of the direct convolution. */
#include "direct_block.h"

#include "util.h"

bool direct_has_pairs(const rncl_pass *pass, int vw)
{
    const rncl_matrix_unit *unit = rncl_pass_elements(pass) ? rncl_matrix_unit_of(pass->context) : NULL;
    return unit && unit->lanes == 1 && unit->n == vw;
}

void direct_add_pairs_option(const rncl_pass *pass, char options[RNCL_OPTIONS_SIZE])
{
    const size_t length = strlen(options);
    snprintf(options + length, RNCL_OPTIONS_SIZE - length, " -DPAIRS=1%s",
             pass->context->matrix.emulated ? " -DEMULATED=1" : "");
}

int direct_vector(const rncl_context *context, int channels)
{
    int vw = context->traits.vector_floats;
    while (channels % vw)
        vw /= 2;
    return vw;
}

int direct_vectors(int channels, int vw)
{
    return channels % (2 * vw) == 0 ? 2 : 1;
}

void direct_add_vector_knobs(const rncl_context *context, const rncl_knob_name names[2], int channels, int kv,
                             rncl_knobs *knobs)
{
    int widths[RNCL_KNOB_VALUES], count = 0, vw = direct_vector(context, channels);
    for (int width = 1; width <= vw; width *= 2)
        widths[count++] = width;
    static const int vectors[] = {1, 2, 3, 4};
    rncl_knobs_add(knobs, names[0], vw, widths, (size_t)count);
    rncl_knobs_add(knobs, names[1], kv, vectors, COUNT(vectors));
}

void direct_add_rows_knob(rncl_knob_name name, int preset, int most, rncl_knobs *knobs)
{
    static const int rows[] = {1, 2, 4, 7, 8, 14, 16, 28, 32, 56, 112};
    size_t count = 0;
    while (count < COUNT(rows) && rows[count] <= most)
        count++;
    rncl_knobs_add(knobs, name, preset, rows, MIN(count, (size_t)RNCL_KNOB_VALUES - 1));
    rncl_knobs_last_is_of_batch(knobs);
}

rncl_direct_shape direct_dense_shape(const rncl_conv_shape *c)
{
    return (rncl_direct_shape){
        .n = c->n,
        .h = c->h,
        .w = c->w,
        .c = c->c,
        .r = c->r,
        .s = c->s,
        .stride = c->stride,
        .pad_top = c->pad,
        .pad_left = c->pad,
        .p = c->p,
        .q = c->q,
        .k = c->k,
        .out_h = c->p,
        .out_w = c->q,
        .out_stride = 1,
    };
}

void direct_flatten(rncl_direct_shape *s)
{
    if (s->r != 1 || s->s != 1 || s->stride != 1 || s->pad_top || s->pad_left || s->out_stride != 1)
        return;
    static const int widths[] = {14, 7, 8, 4, 2};
    int pixels = s->n * s->h * s->w, width = 0;
    for (size_t i = 0; i < COUNT(widths) && !width; i++)
        if (pixels % widths[i] == 0)
            width = widths[i];
    for (int candidate = MIN(pixels, 27); !width; candidate--)
        if (pixels % candidate == 0)
            width = candidate;
    s->n = 1;
    s->h = s->p = s->out_h = pixels / width;
    s->w = s->q = s->out_w = width;
}

size_t direct_staged_floats(const rncl_direct_shape *s, int bw, int tile_rows)
{
    size_t rows = (size_t)((tile_rows - 1) * s->stride + s->r);
    size_t pixels = (size_t)((rncl_ceil_div(s->q, bw) * bw - 1) * s->stride + s->s);
    return rows * pixels * (size_t)s->c;
}

size_t direct_stage_limit(const rncl_context *context)
{
    return MIN((size_t)context->info.local_memory, (size_t)192 << 10) / sizeof(float);
}

int direct_stage_size(const rncl_context *context, size_t floats)
{
    size_t stage = 4096;
    while (stage < floats)
        stage *= 2;
    return (int)MIN(stage, direct_stage_limit(context));
}

int direct_tile_count(const rncl_direct_shape *s)
{
    return s->n * rncl_ceil_div(s->p, s->tile_rows);
}

int direct_channel_shares(const rncl_context *context, const rncl_direct_shape *s, const direct_parameters *p)
{
    return MIN(s->k / (p->kv * p->vw),
               rncl_ceil_div(2 * (int)context->info.compute_units, direct_tile_count(s)));
}
