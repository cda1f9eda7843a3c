/* Products and tiles of convolution on matrix units. */
#include "mma_tile.h"

#include "depth_shares.h"
#include "direct_block.h"
#include "phases.h"
#include "util.h"

/* The taps' places in the filter are those of forward; add_phases turns them. */
static rncl_mma_shape product_of(const rncl_direct_shape *s)
{
    return (rncl_mma_shape){
        .n = s->n,
        .h = s->h,
        .w = s->w,
        .c = s->c,
        .r = s->r,
        .s = s->s,
        .stride = s->stride,
        .pad_top = s->pad_top,
        .pad_left = s->pad_left,
        .p = s->p,
        .q = s->q,
        .k = s->k,
        .out_h = s->out_h,
        .out_w = s->out_w,
        .out_stride = s->out_stride,
        .out_row = s->out_row,
        .out_column = s->out_column,
        .batch = 1,
    };
}

/* Of phases without taps too: their pixels are zero. */
static int add_phases(const rncl_conv_shape *c, rncl_mma_shape *out)
{
    int count = 0;
    for (int i = 0; i < c->stride * c->stride; i++) {
        conv_phase phase;
        if (!conv_phase_of(c, i / c->stride, i % c->stride, &phase))
            continue;
        out[count] = product_of(&phase.shape);
        out[count].filter_first = phase.pack.row_first * c->s + phase.pack.column_first;
        out[count].filter_row = phase.pack.row_step * c->s;
        out[count].filter_column = phase.pack.column_step;
        count++;
    }
    return count;
}

/* The filter gradient has the forward pass's image, taps and pixels. */
int mma_add_products(const rncl_pass *pass, rncl_mma_shape out[MMA_MOST_PRODUCTS])
{
    if (pass->index == RNCL_CONV_BACKWARD_DATA)
        return add_phases(&pass->desc.conv, out);
    const rncl_direct_shape forward = direct_dense_shape(&pass->desc.conv);
    *out = product_of(&forward);
    return 1;
}

mma_sizes mma_sizes_of(const rncl_pass *pass, const rncl_mma_shape *s)
{
    const int pixels = s->n * s->p * s->q, taps = s->r * s->s * s->c;
    return conv_is_dfilter(pass) ? (mma_sizes){taps, s->k, pixels} : (mma_sizes){pixels, s->k, taps};
}

/* The product that has most to do. */
mma_sizes mma_largest_sizes(const rncl_pass *pass)
{
    rncl_mma_shape products[MMA_MOST_PRODUCTS];
    const int count = mma_add_products(pass, products);
    mma_sizes largest = {0};
    for (int i = 0; i < count; i++) {
        const mma_sizes sizes = mma_sizes_of(pass, &products[i]);
        largest.rows = MAX(largest.rows, sizes.rows);
        largest.columns = MAX(largest.columns, sizes.columns);
        largest.depth = MAX(largest.depth, sizes.depth);
    }
    return largest;
}

const rncl_matrix_unit *mma_unit_of(const rncl_pass *pass)
{
    const rncl_matrix_unit *unit = rncl_matrix_unit_of(pass->context);
    return unit && unit->lanes > 1 ? unit : NULL;
}

int mma_items_of(const rncl_matrix_unit *unit, const mma_tile *t)
{
    return t->sr * t->sc * unit->lanes;
}

/* Words of a tile in local memory; see kernels/conv/mma_tile.clh. */
static size_t tile_words(int along, bool tensor_along, int width, int tk)
{
    const bool runs_along = along < 0 ? tensor_along : along;
    return runs_along ? (size_t)width * (size_t)(tk + 4) : (size_t)tk * (size_t)(width + 8);
}

static size_t local_bytes(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const size_t left =
        2 * tile_words(unit->left_along, !conv_is_dfilter(pass), t->sr * t->fr * unit->m, t->tk);
    const size_t right = 2 * tile_words(unit->right_along, pass->index == RNCL_CONV_BACKWARD_DATA,
                                        t->sc * t->fc * unit->n, t->tk);
    /* For statistics or the sums of a gradient, a row of sums for each row of lanes; a lane has sums of two
     * columns at most. */
    const size_t gathered = conv_is_dfilter(pass) ? 0 : 2 * (size_t)mma_items_of(unit, t) * (size_t)t->fc;
    const size_t places = 4 * (size_t)(t->tk * unit->pack);
    /* Emulated fragments hold at most 16 words of each lane. */
    const size_t exchanged = pass->context->matrix.emulated ? 16 * (size_t)mma_items_of(unit, t) : 0;
    return 4 * (MAX(left, gathered) + right + 2 * places + exchanged);
}

/* A matrix of which work-items load a tile of `width` rows or columns. */
typedef struct tile_side {
    int width, channels; /* channels: in which it is contiguous */
    bool along;          /* these run along the depth */
} tile_side;

static tile_side left_side(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    return (tile_side){.width = t->sr * t->fr * mma_unit_of(pass)->m,
                       .channels = pass->index == RNCL_CONV_BACKWARD_DATA ? c->k : c->c,
                       .along = !conv_is_dfilter(pass)};
}

static tile_side right_side(const rncl_pass *pass, const mma_tile *t)
{
    return (tile_side){.width = t->sc * t->fc * mma_unit_of(pass)->n,
                       .channels = pass->desc.conv.k,
                       .along = pass->index == RNCL_CONV_BACKWARD_DATA};
}

/* Whether NVIDIA's ldmatrix makes words of elements when they are read (kernels/conv/mma_nvidia.clh). */
static bool has_matrix_loads(const rncl_pass *pass)
{
    return rncl_pass_elements(pass) && mma_unit_of(pass)->id == RNCL_UNIT_NVIDIA_BF16;
}

/* Whether work-items share the loads of so many values evenly; see kernels/conv/mma_tile.clh. */
static bool loads_fit(const rncl_pass *pass, const mma_tile *t, const tile_side *side, int vw)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const int depth = t->tk * unit->pack, span = MAX(vw, unit->pack);
    const int values = side->along ? span : has_matrix_loads(pass) ? vw : vw * unit->pack;
    return side->width % vw == 0 && (!side->along || depth % span == 0) &&
           side->width * depth / values % mma_items_of(unit, t) == 0;
}

static int load_width(const rncl_pass *pass, const mma_tile *t, const tile_side *side)
{
    if (!rncl_pass_elements(pass))
        return side->channels % 4 ? 1 : 4;
    /* With loads of 8 for forward passes on RDNA, LLVM keeps some registers in memory. */
    const bool is_wmma = mma_unit_of(pass)->id == RNCL_UNIT_AMD_WMMA_BF16;
    int vw = is_wmma && pass->index == RNCL_CONV_FORWARD && !side->along ? 4 : 8;
    while (vw > 1 && (side->channels % vw || !loads_fit(pass, t, side, vw)))
        vw /= 2;
    return vw;
}

mma_widths mma_widths_of(const rncl_pass *pass, const mma_tile *tile)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    const tile_side left = left_side(pass, tile), right = right_side(pass, tile);
    const int stored = pass->index == RNCL_CONV_BACKWARD_DATA ? c->c : c->k;
    return (mma_widths){load_width(pass, tile, &left), load_width(pass, tile, &right), stored % 2 ? 1 : 2};
}

bool mma_tile_is_possible(const rncl_pass *pass, const mma_tile *t)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const mma_widths widths = mma_widths_of(pass, t);
    const tile_side left = left_side(pass, t), right = right_side(pass, t);
    return t->tk % unit->words == 0 &&
           (size_t)mma_items_of(unit, t) <= pass->context->info.max_work_group_size &&
           local_bytes(pass, t) <= pass->context->info.local_memory &&
           loads_fit(pass, t, &left, widths.left) && loads_fit(pass, t, &right, widths.right);
}

/* Preset tiles: as large as sums and fragments stay in registers in all passes, without spills, as compiled
 * for sm_80, sm_90, gfx1100 and gfx90a (LLVM 19), dg2 and pvc (IGC 1.0.12504). */
typedef struct preset_tiles {
    int unit;
    mma_tile wide, narrow; /* for more than 64 columns, and for fewer */
    bool halves;           /* whether they also fit into registers with half as many rows of sub-groups */
} preset_tiles;

static const preset_tiles presets[] = {
    {RNCL_UNIT_NVIDIA_TF32, {2, 4, 4, 4, 16}, {2, 2, 4, 4, 16}, true},
    {RNCL_UNIT_NVIDIA_BF16, {2, 4, 4, 4, 16}, {4, 2, 2, 4, 16}, false},
    {RNCL_UNIT_AMD_WMMA_BF16, {2, 4, 4, 2, 16}, {4, 2, 2, 2, 16}, false},
    {RNCL_UNIT_AMD_MFMA_F32, {2, 2, 4, 4, 8}, {2, 1, 4, 4, 8}, false},
    {RNCL_UNIT_AMD_MFMA_BF16, {2, 2, 4, 4, 8}, {2, 1, 4, 4, 8}, false},
    {RNCL_UNIT_INTEL_BF16_8, {4, 4, 2, 2, 8}, {4, 4, 2, 2, 8}, false},
    {RNCL_UNIT_INTEL_BF16_16, {4, 4, 2, 2, 8}, {4, 2, 2, 2, 8}, false},
    {RNCL_UNIT_INTEL_TF32_16, {4, 4, 2, 2, 8}, {4, 2, 2, 2, 8}, false},
};
static const mma_tile small_tile = {1, 1, 1, 2, 16}, emulated_tile = {1, 2, 2, 1, 16};

bool mma_has_tile(const rncl_pass *pass)
{
    return mma_tile_is_possible(pass, pass->context->matrix.emulated ? &emulated_tile : &small_tile);
}

/* What a launch computes: products of one shape, whose depth may be split if they are not whole. */
typedef struct mma_batch {
    mma_sizes sizes;
    int products;
    bool whole;
} mma_batch;

static depth_problem depth_of(const rncl_pass *pass, const mma_batch *batch, const mma_tile *t)
{
    /* Of one product of bfloat16 several times as many as of three of TF32. */
    enum { OPERATIONS_A_BYTE = 40, OF_ELEMENTS = 160, MOST_SHARES = 128, SHARES_BYTES = 64 << 20 };
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    const mma_sizes *sizes = &batch->sizes;
    const double bytes = 4.0 * batch->products * sizes->rows * sizes->columns;
    return (depth_problem){
        .groups = (double)batch->products * rncl_ceil_div(sizes->rows, t->sr * t->fr * unit->m) *
                  rncl_ceil_div(sizes->columns, t->sc * t->fc * unit->n),
        .depth = sizes->depth,
        .least_depth = 4 * t->tk * unit->pack,
        .most = batch->whole ? 1 : (int)MAX(1.0, MIN((double)MOST_SHARES, SHARES_BYTES / bytes)),
        .operations_a_byte = rncl_pass_elements(pass) ? OF_ELEMENTS : OPERATIONS_A_BYTE,
    };
}

static mma_tile whole_preset(const rncl_pass *pass, const preset_tiles *preset, const mma_sizes *sizes)
{
    if (sizes->columns > 64 && mma_tile_is_possible(pass, &preset->wide))
        return preset->wide;
    return mma_tile_is_possible(pass, &preset->narrow) ? preset->narrow : small_tile;
}

/* Half as many rows cost 5 % more instructions, since fewer sub-groups share the loads of the right matrix.
 */
mma_tile mma_tile_preset(const rncl_pass *pass, int products, bool whole, int *split)
{
    static const double cost_of_half = 1.05;
    const bool emulated = pass->context->matrix.emulated;
    const mma_batch batch = {mma_largest_sizes(pass), products, whole};
    const preset_tiles *preset = presets;
    while (preset->unit != mma_unit_of(pass)->id)
        preset++;
    const mma_tile tile = emulated ? emulated_tile : whole_preset(pass, preset, &batch.sizes);
    depth_problem problem = depth_of(pass, &batch, &tile);
    *split = depth_shares_best(pass->context, &problem);
    mma_tile half = tile;
    half.sr /= 2;
    if (emulated || !preset->halves || half.sr == 0 || !mma_tile_is_possible(pass, &half))
        return tile;
    const double time = depth_shares_time(pass->context, &problem, *split);
    problem = depth_of(pass, &batch, &half);
    const int half_split = depth_shares_best(pass->context, &problem);
    if (cost_of_half / 2 * depth_shares_time(pass->context, &problem, half_split) >= time)
        return tile;
    *split = half_split;
    return half;
}
