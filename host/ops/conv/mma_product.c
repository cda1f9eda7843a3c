/* Products on matrix units: their knobs, kernel and launch. */
#include "mma_product.h"

#include "util.h"

#define KNOBS(X)                                                                                             \
    X(SR, "sr", "SR")       /* rows of sub-groups */                                                         \
    X(SC, "sc", "SC")       /* columns of them */                                                            \
    X(FR, "fr", "FR")       /* rows of fragments of a sub-group */                                           \
    X(FC, "fc", "FC")       /* columns of them */                                                            \
    X(TK, "tk", "TK")       /* words of depth that are staged at a time */                                   \
    X(SPLIT, "split", NULL) /* shares of the depth, whose sums are added in order */
RNCL_DECLARE_KNOBS(KNOBS)

void mma_product_add_knobs(const rncl_pass *product, int count, bool whole, rncl_knobs *knobs)
{
    static const int counts[] = {1, 2, 4}, depths[] = {8, 16, 32};
    int split;
    const mma_tile tile = mma_tile_preset(product, count, whole, &split);
    /* Emulated tiles stay small: drivers of CPUs unroll barriers slowly. */
    const size_t most = product->context->matrix.emulated ? 2 : 3;
    rncl_knobs_add(knobs, knob_names[SR], tile.sr, counts, most);
    rncl_knobs_add(knobs, knob_names[SC], tile.sc, counts, most);
    rncl_knobs_add(knobs, knob_names[FR], tile.fr, counts, most);
    rncl_knobs_add(knobs, knob_names[FC], tile.fc, counts, most);
    rncl_knobs_add(knobs, knob_names[TK], tile.tk, depths, most);
    rncl_knobs_add_doubling(knobs, knob_names[SPLIT], split, 1, whole ? 1 : 128);
    rncl_knobs_last_is_of_batch(knobs);
}

mma_tile mma_product_tile(const int *values)
{
    return (mma_tile){values[SR], values[SC], values[FR], values[FC], values[TK]};
}

int mma_product_shares(const int *values)
{
    return values[SPLIT];
}

bool mma_product_allows(const rncl_pass *product, const int *values)
{
    const mma_tile tile = mma_product_tile(values);
    return mma_tile_is_possible(product, &tile) &&
           values[SPLIT] <=
               MAX(1, rncl_ceil_div(mma_largest_sizes(product).depth, tile.tk * mma_unit_of(product)->pack));
}

double mma_product_rounding(const rncl_pass *pass)
{
    const rncl_matrix_unit *unit = mma_unit_of(pass);
    return rncl_matrix_unit_products(unit, pass->context->precision) == 3
               ? 0.0
               : rncl_precision_rounding(unit->rounds_to);
}

/* Of Xe-HPC: with loads of single values on both sides an input gradient needs more than the small register
 * file. */
static bool wants_large_registers(const rncl_context *context, const rncl_matrix_unit *unit,
                                  mma_widths widths)
{
    return unit->id == RNCL_UNIT_INTEL_BF16_16 && widths.left == 1 && widths.right == 1 &&
           !context->matrix.emulated;
}

rncl_status mma_product_build(const rncl_pass *pass, int first, const rncl_pass *product, const char *more,
                              rncl_kernel *kernel)
{
    const rncl_matrix_unit *unit = mma_unit_of(product);
    const mma_tile tile = mma_product_tile(pass->values + first);
    const mma_widths widths = mma_widths_of(product, &tile);
    const bool partial = rncl_pass_elements(product) && product->index != RNCL_CONV_BACKWARD_FILTER &&
                         mma_product_shares(pass->values + first) > 1;
    const bool strided = product->index == RNCL_CONV_BACKWARD_DATA && product->desc.conv.stride > 1;
    char options[RNCL_OPTIONS_SIZE], of_unit[RNCL_MATRIX_OPTIONS];
    rncl_matrix_unit_options(pass->context, unit, of_unit);
    rncl_pass_options(
        pass, first, KNOB_COUNT, options,
        "-DPASS=%d -DPRODUCTS=%d -DLEFT_VW=%d -DRIGHT_VW=%d -DSTORE_VW=%d -DSTRIDED=%d%s%s %s%s",
        product->index, rncl_matrix_unit_products(unit, pass->context->precision), widths.left, widths.right,
        widths.store, strided, partial ? " -DPARTIAL=1" : "", more, of_unit,
        wants_large_registers(pass->context, unit, widths) ? " -cl-intel-256-GRF-per-thread" : "");
    RNCL_TRY(rncl_pass_kernel(pass, "conv/mma", options, "conv_mma", kernel));
    return rncl_kernel_require(pass->context, kernel, (size_t)mma_items_of(unit, &tile));
}

rncl_range mma_product_range(const rncl_pass *product, const rncl_mma_shape *shape, const mma_tile *tile,
                             int shares)
{
    const rncl_matrix_unit *unit = mma_unit_of(product);
    const mma_sizes sizes = mma_sizes_of(product, shape);
    const size_t items = (size_t)mma_items_of(unit, tile);
    return (rncl_range){
        .global = {items * (size_t)rncl_ceil_div(sizes.columns, tile->sc * tile->fc * unit->n),
                   (size_t)rncl_ceil_div(sizes.rows, tile->sr * tile->fr * unit->m),
                   (size_t)shape->batch * (size_t)shares},
        .local = {items, 1, 1},
    };
}
