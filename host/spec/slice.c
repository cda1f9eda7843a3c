/* Cuts a slice out of a case, and finds the place of its values in the whole tensors. */
#include "slice.h"

#include <stdlib.h>

#include "util.h"

/* Tolerance of a sum of products of normal numbers, as a fraction of its mass. Rounding errors grow more
 * slowly than the mass, and a fault is of the size of a product. */
static const double tolerance_of_mass = 1e-5;
/* Roundings of operands, as multiples of the sum's typical size: those of many products average out, to about
 * 0.8 of the largest in the mean and five times that in the worst of a million values. */
static const double tolerance_of_typical = 8;

/* Half of the last of an element's digits, of a value whose first one is all there is, as a multiple of its
 * rounding. */
static const double tolerance_of_element = 2;

rncl_tolerance rncl_slice_tolerance(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_spec_sum sum = rncl_spec_of(c->desc.kind)->sum(c, slot);
    return (rncl_tolerance){.fixed = tolerance_of_mass * sum.mass +
                                     tolerance_of_typical * c->rounding * sum.typical,
                            .of_value = c->elements & 1u << slot ? tolerance_of_element * c->rounding : 0};
}

void rncl_slice_pick(rncl_spec_slice *slice, rncl_spec_axis axis, rncl_int *size)
{
    const int whole = *size, count = MIN(whole, RNCL_SLICE_PICKS);
    int *index = slice->picks[axis].index;
    for (int i = 0; i < count; i++)
        index[i] = count > 1 ? i * (whole - 1) / (count - 1) : 0;
    for (int i = 1; slice->random && i < count - 1; i++)
        index[i] = 1 + (int)rncl_random_below(slice->random, (uint32_t)whole - 2);
    slice->picks[axis].count = count;
    *size = count;
}

void rncl_slice_shift(rncl_spec_slice *slice, rncl_spec_axis from, rncl_spec_axis to, int offset)
{
    slice->picks[to] = slice->picks[from];
    for (int i = 0; i < slice->picks[to].count; i++)
        slice->picks[to].index[i] += offset;
}

void rncl_slice_cut(const rncl_spec_case *c, rncl_random *random, rncl_spec_slice *out)
{
    *out = (rncl_spec_slice){.part = *c, .random = random};
    if (rncl_spec_of(c->desc.kind)->cut)
        rncl_spec_of(c->desc.kind)->cut(out);
    out->random = NULL;
}

size_t rncl_slice_boxes(const rncl_spec_slice *slice, const rncl_spec_layout *part,
                        const rncl_spec_layout *whole, rncl_slice_box boxes[RNCL_SLICE_BOXES])
{
    size_t count = 1;
    boxes[0] = (rncl_slice_box){.size = {part->size[0], part->size[1], part->size[2]}};
    for (int d = 0; d < 3; d++) {
        /* A padded residual has fewer channels than there are picks. */
        const int picks = MIN(slice->picks[whole->axis[d]].count, (int)part->size[d]);
        const size_t before = count;
        for (int p = picks - 1; p >= 0; p--)
            for (size_t i = 0; i < before; i++) {
                rncl_slice_box *box = &boxes[(size_t)p * before + i];
                *box = boxes[i];
                box->from[d] = (size_t)slice->picks[whole->axis[d]].index[p];
                box->to[d] = (size_t)p;
                box->size[d] = 1;
            }
        count *= picks ? (size_t)picks : 1;
    }
    return count;
}

/* Index in the whole tensor of value `i` of the slice's tensor. */
static size_t place_of(const rncl_spec_slice *slice, const rncl_spec_layout *part,
                       const rncl_spec_layout *whole, size_t i)
{
    size_t at[3], place = 0;
    for (int d = 2; d >= 0; d--) {
        at[d] = i % part->size[d];
        i /= part->size[d];
    }
    for (int d = 0; d < 3; d++) {
        const int picks = slice->picks[part->axis[d]].count;
        place = place * whole->size[d] + (picks ? (size_t)slice->picks[part->axis[d]].index[at[d]] : at[d]);
    }
    return place;
}

static double value_at(rncl_slot slot, const void *tensor, size_t i)
{
    return RNCL_INTEGER_SLOTS & 1u << slot ? (double)((const int32_t *)tensor)[i]
                                           : (double)((const float *)tensor)[i];
}

/* Allocates the slice's tensors. Inputs are copied from the whole tensors, other results are zero. */
static rncl_status take_tensors(const rncl_spec_case *c, const rncl_spec_slice *slice,
                                const void *const inputs[], const void *const results[],
                                double *part[RNCL_SLOTS])
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        if ((!inputs[slot] && !results[slot]) || slot == RNCL_SLOT_saved)
            continue;
        const rncl_spec_layout to = spec->layout(&slice->part, slot), from = spec->layout(c, slot);
        const size_t count = rncl_spec_layout_count(&to);
        part[slot] = calloc(MAX(count, (size_t)1), sizeof(double));
        if (!part[slot])
            return RNCL_FAIL(RNCL_ERR_MEMORY, "part of a tensor, %zu values", count);
        for (size_t i = 0; inputs[slot] && i < count; i++)
            part[slot][i] = value_at(slot, inputs[slot], place_of(slice, &to, &from, i));
    }
    return RNCL_OK;
}

static rncl_status compare(const rncl_spec_case *c, const rncl_spec_slice *slice, rncl_slot slot,
                           const void *whole, const double *exact)
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    const rncl_spec_layout part = spec->layout(&slice->part, slot), of = spec->layout(c, slot);
    const rncl_tolerance tolerance = rncl_slice_tolerance(c, slot);
    for (size_t i = 0; i < rncl_spec_layout_count(&part); i++) {
        const size_t at = place_of(slice, &part, &of, i);
        const double value = value_at(slot, whole, at);
        if (!rncl_tolerance_allows(tolerance, value, exact[i]))
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %zu is %g, expected %g", at, value, exact[i]);
    }
    return RNCL_OK;
}

rncl_status rncl_slice_check(const rncl_spec_case *c, const void *const inputs[RNCL_SLOTS],
                             const void *const results[RNCL_SLOTS])
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    rncl_spec_slice slice;
    double *part[RNCL_SLOTS] = {NULL};
    rncl_slice_cut(c, NULL, &slice);
    rncl_status st = take_tensors(c, &slice, inputs, results, part);
    if (!st)
        spec->reference(&slice.part, part);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS && !st; slot++)
        if (part[slot] && results[slot])
            st = compare(c, &slice, slot, results[slot], part[slot]);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)
        free(part[slot]);
    return st;
}
