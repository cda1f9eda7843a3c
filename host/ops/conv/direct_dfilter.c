/* The filter gradient of the direct convolution (kernels/conv/direct_dfilter.cl): each work-group sums
 * over its share of the batch, and the sums are added in order. */
#include <stdlib.h>

#include "direct_block.h"
#include "partial_sums.h"
#include "util.h"

typedef struct dfilter_data {
    rncl_direct_shape shape;
    int group, stage; /* VC and STAGE of conv/direct_dfilter.cl */
    int channel_shares;
    partial_sums sums;
    rncl_kernel dfilter;
} dfilter_data;

#define KNOBS(X)                                                                                             \
    X(VW, "vw", "VW")          /* floats a vector of output channels */                                      \
    X(KV, "kv", "KV")          /* vectors of a register block */                                             \
    X(CB, "cb", "CB")          /* values of x in a register block */                                         \
    X(CHUNK, "chunk", "CHUNK") /* input channels that are staged at a time */                                \
    X(ROWS, "rows", NULL)      /* output rows of a tile */
RNCL_DECLARE_KNOBS(KNOBS)

/* What knobs say of a tile. */
typedef struct dfilter_tile {
    int vw, kv, chunk, rows;
} dfilter_tile;

static dfilter_tile tile_of(const int *values)
{
    return (dfilter_tile){.vw = values[VW], .kv = values[KV], .chunk = values[CHUNK], .rows = values[ROWS]};
}

/* Channels of a staged group: a whole vector, or all if there are fewer. */
static int group_of(const rncl_pass *pass, int vw)
{
    return pass->desc.conv.c % vw == 0 ? vw : pass->desc.conv.c;
}

/* Floats of local memory for the part of x under a tile of so many rows, of so many channels. */
static size_t input_floats(const rncl_direct_shape *s, int rows, int channels)
{
    size_t pixels = (size_t)((s->q - 1) * s->stride + s->s);
    return (size_t)((rows - 1) * s->stride + s->r) * pixels * (size_t)channels;
}

/* Whether words of pairs are of two images (IMAGE_PAIRS), which stages half as much of x and sums longer in
 * registers, or of two pixels: what leaves fewer words half empty. */
static bool pairs_images(const rncl_pass *pass, int vw)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    return c->c % vw == 0 && rncl_ceil_div(c->n, 2) * c->q <= c->n * rncl_ceil_div(c->q, 2);
}

/* Floats of local memory for the words of dy, of `kb` output channels. */
static size_t gradient_floats(const rncl_pass *pass, const dfilter_tile *t, int kb)
{
    const int q = pass->desc.conv.q, words = pairs_images(pass, t->vw) ? q : rncl_ceil_div(q, 2);
    return (size_t)t->rows * (size_t)words * (size_t)kb;
}

/* Whether it multiplies pairs of pixels: where both copies of a row fit. */
static bool multiplies_pairs(const rncl_pass *pass, int vw)
{
    const rncl_direct_shape s = direct_dense_shape(&pass->desc.conv);
    const dfilter_tile row = {.vw = vw, .rows = 1};
    return direct_has_pairs(pass, vw) &&
           input_floats(&s, 1, group_of(pass, vw)) + gradient_floats(pass, &row, 2 * vw) <=
               direct_stage_limit(pass->context);
}

/* Floats of local memory of a tile. */
static size_t staged_floats(const rncl_pass *pass, const dfilter_tile *t)
{
    const rncl_direct_shape s = direct_dense_shape(&pass->desc.conv);
    return input_floats(&s, t->rows, t->chunk) +
           (multiplies_pairs(pass, t->vw) ? gradient_floats(pass, t, t->kv * t->vw) : 0);
}

/* Images of a tile. */
static int tile_images(const rncl_pass *pass, int vw)
{
    return multiplies_pairs(pass, vw) && pairs_images(pass, vw) ? 2 : 1;
}

static bool fits(const rncl_pass *pass, const dfilter_tile *t)
{
    return staged_floats(pass, t) <= direct_stage_limit(pass->context);
}

static bool dfilter_supports(const rncl_pass *pass)
{
    const rncl_direct_shape s = direct_dense_shape(&pass->desc.conv);
    int vw = direct_vector(pass->context, s.k);
    return conv_is_dfilter(pass) && !conv_is_pointwise(&pass->desc.conv) &&
           pass->context->traits.long_loops &&
           input_floats(&s, 1, group_of(pass, vw)) <= direct_stage_limit(pass->context);
}

static int largest_divisor(int value, int limit)
{
    int divisor = MIN(value, limit);
    while (value % divisor)
        divisor--;
    return divisor;
}

/* A block of sums is loaded and stored once per tile, so that tiles should be long; but there should be
 * one for each core. */
static int preset_rows(const rncl_pass *pass, const rncl_direct_shape *s, dfilter_tile t)
{
    const int images = rncl_ceil_div(s->n, tile_images(pass, t.vw));
    int wanted =
        MIN(rncl_ceil_div(512, s->q), rncl_ceil_div(images * s->p, (int)pass->context->info.compute_units));
    for (t.rows = 2; t.rows <= MIN(wanted, s->p) && fits(pass, &t);)
        t.rows++;
    return rncl_ceil_div(s->p, rncl_ceil_div(s->p, t.rows - 1)); /* rounded to tiles of equal size */
}

static void dfilter_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int inputs[] = {1, 2, 3, 4, 6, 7, 8, 9, 12, 14, 16}, chunks[] = {8, 16, 32, 64, 128};
    const rncl_direct_shape s = direct_dense_shape(&pass->desc.conv);
    direct_add_vector_knobs(pass->context, knob_names + VW, s.k,
                            direct_vectors(s.k, direct_vector(pass->context, s.k)), knobs);
    int group = group_of(pass, knobs->knobs[VW].preset), stretch = group == s.c ? s.s * group : group;
    dfilter_tile t = {
        .vw = knobs->knobs[VW].preset, .kv = knobs->knobs[KV].preset, .chunk = 2 * group, .rows = 1};
    while (t.chunk <= MIN(s.c, 64) && s.c % t.chunk == 0 && fits(pass, &t))
        t.chunk *= 2;
    t.chunk /= 2;
    rncl_knobs_add(knobs, knob_names[CB],
                   largest_divisor(stretch, pass->context->traits.accumulators / knobs->knobs[KV].preset),
                   inputs, COUNT(inputs));
    rncl_knobs_add(knobs, knob_names[CHUNK], t.chunk, chunks, COUNT(chunks));
    direct_add_rows_knob(knob_names[ROWS], preset_rows(pass, &s, t), s.p, knobs);
}

static bool dfilter_allows(const rncl_pass *pass)
{
    const int *v = pass->values;
    const rncl_direct_shape s = direct_dense_shape(&pass->desc.conv);
    const dfilter_tile t = tile_of(v);
    int group = group_of(pass, v[VW]), stretch = group == s.c ? s.s * group : group;
    return s.k % (v[VW] * v[KV]) == 0 && stretch % v[CB] == 0 && v[CHUNK] % group == 0 && v[CHUNK] <= s.c &&
           v[CB] * v[KV] <= pass->context->traits.most_accumulators && v[ROWS] <= s.p && fits(pass, &t);
}

static rncl_status dfilter_plan(rncl_pass *pass)
{
    dfilter_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a direct filter gradient");
    const int *v = pass->values;
    const dfilter_tile t = tile_of(v);
    rncl_direct_shape *s = &data->shape;
    *s = direct_dense_shape(&pass->desc.conv);
    s->tile_rows = v[ROWS];
    data->group = group_of(pass, v[VW]);
    data->stage = direct_stage_size(pass->context, staged_floats(pass, &t));
    const int units = (int)pass->context->info.compute_units, blocks = s->k / (v[KV] * v[VW]);
    data->sums.vw = v[VW];
    data->sums.floats = conv_filter_floats(&pass->desc.conv);
    data->channel_shares = partial_sums_are_large(data->sums.floats) ? MIN(blocks, 2 * units) : 1;
    const int tiles = rncl_ceil_div(s->n, tile_images(pass, t.vw)) * rncl_ceil_div(s->p, s->tile_rows);
    data->sums.parts = MIN(tiles, rncl_ceil_div(2 * units, data->channel_shares));
    pass->workspace_bytes = partial_sums_bytes(&data->sums);
    return RNCL_OK;
}

static rncl_status dfilter_build(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DVC=%d -DSTAGE=%d%s", data->group, data->stage,
                      tile_images(pass, pass->values[VW]) > 1 ? " -DIMAGE_PAIRS=1" : "");
    if (multiplies_pairs(pass, pass->values[VW]))
        direct_add_pairs_option(pass, options);
    RNCL_TRY(rncl_pass_kernel(pass, "conv/direct_dfilter", options, "conv_direct_dfilter", &data->dfilter));
    return partial_sums_build(pass, &data->sums);
}

static rncl_status dfilter_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const dfilter_data *data = pass->data;
    const partial_sums *sums = &data->sums;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    const rncl_range range = {.global = {(size_t)data->channel_shares, (size_t)sums->parts},
                              .local = {1, 1, 1}};
    RNCL_TRY(rncl_launch(pass->context, &data->dfilter, range, RNCL_STRUCT(data->shape), RNCL_BUFFER(b->x),
                         RNCL_BUFFER(b->dy),
                         RNCL_BUFFER(*partial_sums_target(sums, &b->dweight, &b->workspace)),
                         RNCL_INT(partial_sums_accumulate(sums, accumulate))));
    return partial_sums_reduce(pass, sums, &b->workspace, &b->dweight, accumulate);
}

static void dfilter_destroy(rncl_pass *pass)
{
    dfilter_data *data = pass->data;
    rncl_kernel_fini(&data->dfilter);
    partial_sums_fini(&data->sums);
    free(data);
}

const rncl_row rncl_conv_direct_dfilter = {
    .name = "direct",
    .programs = {"conv/direct_dfilter", "conv/reduce"},
    .exact = true,
    .narrow = true,
    .supports = dfilter_supports,
    .knobs = dfilter_knobs,
    .allows = dfilter_allows,
    .plan = dfilter_plan,
    .build = dfilter_build,
    .enqueue = dfilter_enqueue,
    .destroy = dfilter_destroy,
};
