/* Direct convolution with explicit vectors and register blocks (kernels/conv/direct_forward.cl). The input
 * gradient is the same kernel on flipped, transposed filters; with a stride it is one such convolution for
 * each phase of dx. */
#include <stdio.h>
#include <stdlib.h>

#include "direct_block.h"
#include "launch.h"
#include "phases.h"
#include "util.h"

/* One launch of conv_direct_forward. */
typedef struct direct_phase {
    rncl_direct_shape shape;
    rncl_pack_shape pack;
    direct_parameters parameters;
    int channel_shares;
    rncl_kernel forward, packer;
} direct_phase;

enum { MAX_STRIDE = 4, WIDEST_PRESET = 8, HIGHEST_PRESET = 4 };

/* Most pixels in a tile that is staged in local memory, and in one that is read in place. PIXELS_A_REFILL:
 * pixels whose computation takes as long as loading a block of filters into the cache. */
enum { MOST_STAGED = 112, MOST_IN_PLACE = 400, PIXELS_A_REFILL = 16 };

/* ROWS of conv/direct_pack.cl. */
enum { PACKED_ROWS = 8 };

typedef struct direct_data {
    int phase_count;
    direct_phase phases[MAX_STRIDE * MAX_STRIDE];
    size_t packed_floats;
    int pack_vw; /* floats a vector in packing */
    bool pairs;  /* it multiplies pairs of channels */
    bool odd;    /* the number of these is odd; else shapes' c counts pairs */
    bool widens; /* x is staged in any case: elements become what is multiplied only once */
} direct_data;

#define KNOBS(X)                                                                                             \
    X(VW, "vw", "VW")     /* floats a vector of output channels */                                           \
    X(KV, "kv", "KV")     /* vectors of a register block */                                                  \
    X(BH, "bh", "BH")     /* rows of a register block */                                                     \
    X(BW, "bw", "BW")     /* pixels of each of them */                                                       \
    X(ROWS, "rows", NULL) /* output rows of a tile */
RNCL_DECLARE_KNOBS(KNOBS)

static direct_parameters parameters_of(const int *values)
{
    return (direct_parameters){.vw = values[VW], .kv = values[KV], .bh = values[BH], .bw = values[BW]};
}

/* Whether whole register blocks of outputs read pixels outside the image. */
static bool reads_outside(const rncl_direct_shape *s, const direct_parameters *p)
{
    int rows = rncl_ceil_div(s->p, p->bh) * p->bh, columns = rncl_ceil_div(s->q, p->bw) * p->bw;
    return s->pad_top || s->pad_left || (rows - 1) * s->stride + s->r > s->h ||
           (columns - 1) * s->stride + s->s > s->w;
}

static bool needs_stage(const direct_data *data, const direct_parameters *p)
{
    for (int i = 0; i < data->phase_count; i++) {
        const rncl_direct_shape *s = &data->phases[i].shape;
        if (s->r > 1 || s->s > 1 || reads_outside(s, p))
            return true;
    }
    return data->widens;
}

/* The smallest shape that covers all phases, which share one set of parameters. */
static rncl_direct_shape cover_phases(const direct_data *data)
{
    rncl_direct_shape cover = data->phases[0].shape;
    for (int i = 1; i < data->phase_count; i++) {
        const rncl_direct_shape *s = &data->phases[i].shape;
        cover.r = MAX(cover.r, s->r);
        cover.s = MAX(cover.s, s->s);
        cover.p = MAX(cover.p, s->p);
        cover.q = MAX(cover.q, s->q);
    }
    return cover;
}

/* Whether a tile of one row fits into local memory, rounded up to whole blocks of any preset. */
static bool row_fits(const rncl_context *context, rncl_direct_shape s)
{
    s.q += WIDEST_PRESET - 1;
    return direct_staged_floats(&s, 1, 1) <= direct_stage_limit(context);
}

static bool direct_supports(const rncl_pass *pass)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    if (pass->index == RNCL_CONV_BACKWARD_FILTER || !pass->context->traits.long_loops ||
        (pass->index == RNCL_CONV_BACKWARD_DATA && c->stride > MAX_STRIDE))
        return false;
    if (conv_is_product(c))
        return true;
    rncl_direct_shape s = direct_dense_shape(c);
    if (pass->index == RNCL_CONV_BACKWARD_DATA)
        s = (rncl_direct_shape){.c = c->k, .r = c->r, .s = c->s, .stride = 1, .q = c->w};
    return row_fits(pass->context, s);
}

static void lay_out_forward(const rncl_pass *pass, direct_data *data)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    data->phase_count = 1;
    direct_phase *phase = &data->phases[0];
    phase->shape = direct_dense_shape(c);
    phase->pack = (rncl_pack_shape){
        .out = c->k,
        .in = c->c,
        .r = c->r,
        .s = c->s,
        .row_step = 1,
        .column_step = 1,
        .row_stride = c->s * c->c * c->k,
        .column_stride = c->c * c->k,
        .in_stride = c->k,
        .out_stride = 1,
    };
    direct_flatten(&phase->shape);
    data->packed_floats = (size_t)c->r * (size_t)c->s * (size_t)c->c * (size_t)c->k;
}

static void lay_out_backward_data(const rncl_pass *pass, direct_data *data)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    for (int row = 0; row < c->stride; row++)
        for (int column = 0; column < c->stride; column++) {
            conv_phase part;
            if (!conv_phase_of(c, row, column, &part))
                continue;
            direct_phase *phase = &data->phases[data->phase_count++];
            phase->shape = part.shape;
            phase->pack = part.pack;
            phase->pack.packed_offset = (rncl_int)data->packed_floats;
            data->packed_floats += conv_packed_floats(&part.pack);
            direct_flatten(&phase->shape);
        }
}

/* Channels that the pass sums over. */
static int depth_of(const rncl_pass *pass)
{
    return pass->index == RNCL_CONV_FORWARD ? pass->desc.conv.c : pass->desc.conv.k;
}

/* Whether words begin at any channel: forward, where the taps of a row lie next to each other in the filter.
 */
static bool multiplies_odd_pairs(const rncl_pass *pass, int vw)
{
    return depth_of(pass) % 2 && pass->index == RNCL_CONV_FORWARD && direct_has_pairs(pass, vw) &&
           row_fits(pass->context, direct_dense_shape(&pass->desc.conv));
}

static bool multiplies_pairs(const rncl_pass *pass, int vw)
{
    return (depth_of(pass) % 2 == 0 && direct_has_pairs(pass, vw)) || multiplies_odd_pairs(pass, vw);
}

/* Makes a row of taps what is packed, as one tap of all their channels. */
static void join_taps(direct_data *data)
{
    direct_phase *phase = &data->phases[0];
    phase->pack.in *= phase->pack.s;
    phase->pack.s = 1;
    data->packed_floats =
        (size_t)phase->pack.r * (size_t)rncl_ceil_div(phase->pack.in, 2) * (size_t)phase->pack.out;
}

/* Makes words of pairs of channels the unit of what is staged and packed. */
static void count_pairs(direct_data *data)
{
    data->packed_floats /= 2;
    for (int i = 0; i < data->phase_count; i++) {
        data->phases[i].shape.c /= 2;
        data->phases[i].pack.packed_offset /= 2;
    }
}

/* Fills in the pass's launches with vectors of vw floats, except what depends on the other knobs. */
static void lay_out(const rncl_pass *pass, int vw, direct_data *data)
{
    if (pass->index == RNCL_CONV_FORWARD)
        lay_out_forward(pass, data);
    else
        lay_out_backward_data(pass, data);
    data->pairs = multiplies_pairs(pass, vw);
    data->odd = multiplies_odd_pairs(pass, vw);
    if (data->odd)
        join_taps(data);
    else if (data->pairs)
        count_pairs(data);
    data->widens = data->odd ||
                   (!data->pairs && rncl_pass_elements(pass) && row_fits(pass->context, cover_phases(data)));
}

/* Whether the instruction loads the pixels' values itself, as that of x86 for pairs does. */
static bool product_loads(const direct_data *data, int vw)
{
    return data->pairs && vw == 16;
}

/* Multiplications per load of a vector or of a pixel's value, which costs less if the instruction does it. */
static double products_a_load(const direct_data *data, const direct_parameters *p)
{
    const int pixels = p->bh * p->bw;
    return pixels * p->kv / (p->kv + (product_loads(data, p->vw) ? 0.25 : 1.0) * pixels);
}

/* The register block of at most `highest` rows with the best score, which grows with the share of computed
 * pixels that are inside the image and with the multiplications per load. Blocks that need x staged are
 * not considered where x can be read in place. There are few candidates, so that one program serves many
 * shapes. */
static direct_parameters best_block(const rncl_context *context, const direct_data *data, int highest)
{
    static const int widths[] = {1, 2, 4, 7, WIDEST_PRESET}, heights[] = {1, 2, HIGHEST_PRESET};
    const rncl_direct_shape s = cover_phases(data);
    const int vw = direct_vector(context, s.k), budget = context->traits.accumulators;
    direct_parameters best = {.vw = vw, .kv = 1, .bh = 1, .bw = 1};
    const bool in_place = !needs_stage(data, &best);
    double best_score = 0.0;
    for (int kv = 1; kv <= 4 && s.k % (kv * vw) == 0; kv *= 2)
        for (size_t i = 0; i < COUNT(widths); i++)
            for (size_t j = 0; j < COUNT(heights); j++) {
                const direct_parameters p = {.vw = vw, .kv = kv, .bh = heights[j], .bw = widths[i]};
                if (p.bh * p.bw * kv > budget || p.bh > highest || (in_place && needs_stage(data, &p)))
                    continue;
                const double used =
                    (double)s.p * s.q /
                    ((double)rncl_ceil_div(s.p, p.bh) * p.bh * rncl_ceil_div(s.q, p.bw) * p.bw);
                const double per_load = products_a_load(data, &p);
                const double score = used * per_load / (per_load + 0.5);
                if (score > best_score) {
                    best_score = score;
                    best = p;
                }
            }
    return best;
}

static bool fits(const rncl_context *context, const rncl_direct_shape *s, const direct_parameters *p)
{
    return direct_staged_floats(s, p->bw, s->tile_rows) <= direct_stage_limit(context);
}

/* The best block of which a row of blocks fits into local memory. A block one pixel high always fits. Where
 * the instruction loads the pixels' values, higher ones gain little and their pixels lie further apart. */
static direct_parameters preset_block(const rncl_pass *pass, const direct_data *data)
{
    rncl_direct_shape cover = cover_phases(data);
    const int vw = direct_vector(pass->context, cover.k);
    for (int highest = product_loads(data, vw) ? 1 : HIGHEST_PRESET;; highest /= 2) {
        const direct_parameters p = best_block(pass->context, data, highest);
        cover.tile_rows = p.bh;
        if (highest == 1 || !needs_stage(data, &p) || fits(pass->context, &cover, &p))
            return p;
    }
}

/* Estimated utilisation of the cores: the share of time in which all have work, if tiles take equally
 * long, times the share that is not spent on loading a block of filters into the cache for each tile. */
static double usage(const rncl_context *context, const rncl_direct_shape *s, const direct_parameters *p)
{
    const int units = (int)context->info.compute_units, tiles = rncl_ceil_div(s->p, s->tile_rows);
    const int items = direct_tile_count(s) * direct_channel_shares(context, s, p);
    const double busy = (double)items / (rncl_ceil_div(items, units) * units);
    const double full = (double)s->p / (tiles * s->tile_rows), pixels = s->tile_rows * s->q;
    return busy * full * pixels / (pixels + PIXELS_A_REFILL);
}

/* Preset rows of a tile: whole blocks. */
static int preset_rows(const rncl_pass *pass, const direct_data *data, const direct_parameters *p)
{
    const bool staged = needs_stage(data, p);
    rncl_direct_shape s = cover_phases(data);
    const int most = MIN(rncl_ceil_div(staged ? MOST_STAGED : MOST_IN_PLACE, s.q), s.p);
    int best = p->bh;
    double best_usage = 0.0;
    for (s.tile_rows = p->bh; s.tile_rows <= most && (!staged || fits(pass->context, &s, p));
         s.tile_rows += p->bh) {
        const double used = usage(pass->context, &s, p);
        if (used > best_usage) {
            best_usage = used;
            best = s.tile_rows;
        }
    }
    return best;
}

static void direct_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    static const int heights[] = {1, 2, 4, 7}, widths[] = {1, 2, 4, 5, 6, 7, 8, 10, 12, 14};
    const rncl_conv_shape *c = &pass->desc.conv;
    direct_data data = {0};
    lay_out(pass, direct_vector(pass->context, pass->index == RNCL_CONV_FORWARD ? c->k : c->c), &data);
    const rncl_direct_shape cover = cover_phases(&data);
    const direct_parameters p = preset_block(pass, &data);
    direct_add_vector_knobs(pass->context, knob_names + VW, cover.k, p.kv, knobs);
    rncl_knobs_add(knobs, knob_names[BH], p.bh, heights, COUNT(heights));
    rncl_knobs_add(knobs, knob_names[BW], p.bw, widths, COUNT(widths));
    direct_add_rows_knob(knob_names[ROWS], preset_rows(pass, &data, &p), cover.p, knobs);
}

static bool direct_allows(const rncl_pass *pass)
{
    direct_data data = {0};
    lay_out(pass, pass->values[VW], &data);
    const direct_parameters p = parameters_of(pass->values);
    rncl_direct_shape cover = cover_phases(&data);
    cover.tile_rows = pass->values[ROWS];
    return cover.k % (p.vw * p.kv) == 0 && p.bh * p.bw * p.kv <= pass->context->traits.most_accumulators &&
           cover.tile_rows % p.bh == 0 && cover.tile_rows < cover.p + p.bh &&
           (!needs_stage(&data, &p) || fits(pass->context, &cover, &p));
}

/* Whether it finishes the gradient of the batch normalisation before it. */
static bool leaves_dz(const rncl_pass *pass)
{
    return pass->index == RNCL_CONV_BACKWARD_DATA && pass->choice.gradient_sums &&
           conv_keeps_x(&pass->choice);
}

/* Floats a vector in packing, at most vw: what is transposed has that many values of each channel. */
static int pack_vector(const rncl_pass *pass, const direct_data *data, int vw)
{
    const int values = pass->index == RNCL_CONV_FORWARD ? vw : pass->desc.conv.k / (data->pairs ? 2 : 1);
    while (vw > values)
        vw /= 2;
    return vw;
}

static rncl_status direct_plan(rncl_pass *pass)
{
    direct_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of a direct convolution");
    lay_out(pass, pass->values[VW], data);
    pass->packed_floats = data->packed_floats;
    direct_parameters p = parameters_of(pass->values);
    rncl_direct_shape cover = cover_phases(data);
    cover.tile_rows = pass->values[ROWS];
    if (needs_stage(data, &p))
        p.stage = direct_stage_size(pass->context, direct_staged_floats(&cover, p.bw, cover.tile_rows));
    data->pack_vw = pack_vector(pass, data, p.vw);
    for (int i = 0; i < data->phase_count; i++) {
        direct_phase *phase = &data->phases[i];
        phase->parameters = p;
        phase->shape.tile_rows = cover.tile_rows;
        phase->channel_shares = direct_channel_shares(pass->context, &phase->shape, &p);
    }
    if (pass->index == RNCL_CONV_FORWARD)
        pass->statistics_parts = direct_tile_count(&data->phases[0].shape);
    pass->leaves_dz = leaves_dz(pass);
    for (int i = 0; i < data->phase_count && pass->leaves_dz; i++)
        pass->gradient_parts += direct_tile_count(&data->phases[i].shape);
    return RNCL_OK;
}

static rncl_status direct_build(rncl_pass *pass)
{
    direct_data *data = pass->data;
    char options[RNCL_OPTIONS_SIZE];
    for (int i = 0; i < data->phase_count; i++) {
        direct_phase *phase = &data->phases[i];
        rncl_pass_options(pass, 0, KNOB_COUNT, options, "-DSTAGE=%d%s%s", phase->parameters.stage,
                          data->odd ? " -DODD=1" : "", pass->leaves_dz ? " -DGRADIENT_SUMS=1" : "");
        conv_add_epilogue_option(pass, options);
        if (data->pairs)
            direct_add_pairs_option(pass, options);
        RNCL_TRY(
            rncl_pass_kernel(pass, "conv/direct_forward", options, "conv_direct_forward", &phase->forward));
        snprintf(options, sizeof options, "-DVW=%d -DKB=%d -DROWS=%d -DTRANSPOSED=%d", data->pack_vw,
                 phase->parameters.kv * phase->parameters.vw, PACKED_ROWS,
                 pass->index == RNCL_CONV_BACKWARD_DATA);
        if (data->pairs)
            direct_add_pairs_option(pass, options);
        RNCL_TRY(rncl_pass_kernel(pass, "conv/direct_pack", options, "conv_direct_pack", &phase->packer));
    }
    return RNCL_OK;
}

static rncl_status direct_prepare(rncl_pass *pass, const rncl_op_buffers *b)
{
    const direct_data *data = pass->data;
    for (int i = 0; i < data->phase_count; i++) {
        const direct_phase *phase = &data->phases[i];
        const rncl_pack_shape *pack = &phase->pack;
        if (pack->r * pack->s == 0)
            continue;
        const int items = pass->index == RNCL_CONV_FORWARD
                              ? rncl_ceil_div(pack->in, PACKED_ROWS)
                              : pack->out / (phase->parameters.kv * phase->parameters.vw);
        rncl_range range = {.global = {(size_t)items, (size_t)(pack->r * pack->s)}, .local = {1, 1, 1}};
        RNCL_TRY(rncl_launch(pass->context, &phase->packer, range, RNCL_STRUCT(*pack), RNCL_BUFFER(b->weight),
                             RNCL_BUFFER(b->packed), RNCL_INT((cl_int)pass->packed_offset)));
    }
    return RNCL_OK;
}

/* first_part: of this phase's parts of a gradient's sums. */
static rncl_status enqueue_phase(const rncl_pass *pass, const direct_phase *phase, int first_part,
                                 const rncl_op_buffers *b, bool accumulate)
{
    const cl_mem statistics = conv_statistics(pass, b);
    const size_t tiles = (size_t)direct_tile_count(&phase->shape);
    const rncl_range range = {.global = {tiles, (size_t)phase->channel_shares}, .local = {1, 1, 1}};
    const rncl_int packed_offset = (rncl_int)pass->packed_offset + phase->pack.packed_offset;
    if (pass->leaves_dz)
        return rncl_launch(pass->context, &phase->forward, range, RNCL_STRUCT(phase->shape),
                           RNCL_BUFFER(*conv_input(pass, b)), RNCL_BUFFER(b->packed), RNCL_INT(packed_offset),
                           RNCL_BUFFER(*conv_output(pass, b)), RNCL_BUFFER(statistics), RNCL_INT(accumulate),
                           RNCL_BUFFER(b->coefficients), RNCL_BUFFER(b->residual), RNCL_BUFFER(b->x),
                           RNCL_BUFFER(b->before_x), RNCL_BUFFER(b->before_saved),
                           RNCL_BUFFER(b->gradient_sums), RNCL_INT(first_part));
    return rncl_launch(pass->context, &phase->forward, range, RNCL_STRUCT(phase->shape),
                       RNCL_BUFFER(*conv_input(pass, b)), RNCL_BUFFER(b->packed), RNCL_INT(packed_offset),
                       RNCL_BUFFER(*conv_output(pass, b)), RNCL_BUFFER(statistics), RNCL_INT(accumulate),
                       RNCL_BUFFER(b->coefficients), RNCL_BUFFER(b->residual));
}

static rncl_status direct_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const direct_data *data = pass->data;
    const bool accumulate = rncl_pass_accumulates(pass, scalars);
    int first_part = 0;
    for (int i = 0; i < data->phase_count; i++) {
        const direct_phase *phase = &data->phases[i];
        if (accumulate && phase->shape.r == 0 && !pass->leaves_dz)
            continue; /* no tap reaches it, so there is nothing to add */
        RNCL_TRY(enqueue_phase(pass, phase, first_part, b, accumulate));
        first_part += direct_tile_count(&phase->shape);
    }
    return RNCL_OK;
}

static void direct_destroy(rncl_pass *pass)
{
    direct_data *data = pass->data;
    for (int i = 0; i < data->phase_count; i++) {
        rncl_kernel_fini(&data->phases[i].forward);
        rncl_kernel_fini(&data->phases[i].packer);
    }
    free(data);
}

/* The filter is packed as pairs. */
static double direct_rounding(const rncl_pass *pass)
{
    return multiplies_pairs(pass, pass->values[VW]) ? rncl_precision_rounding(pass->context->precision) : 0.0;
}

const rncl_row rncl_conv_direct = {
    .name = "direct",
    .programs = {"conv/direct_forward", "conv/direct_pack"},
    .exact = true,
    .narrow = true,
    .epilogue = true,
    .rounding = direct_rounding,
    .supports = direct_supports,
    .knobs = direct_knobs,
    .allows = direct_allows,
    .plan = direct_plan,
    .build = direct_build,
    .prepare = direct_prepare,
    .enqueue = direct_enqueue,
    .destroy = direct_destroy,
};
