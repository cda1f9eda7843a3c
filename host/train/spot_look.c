/* Slices on their way from the device to the host's reference.
 *
 * Data of a training are no normal numbers, so how large an error may be is found out from the data: the
 * reference is computed a second time on inputs of which each is changed by up to 2^-17 of itself, or as
 * much as the pass rounds its operands or tensors. Rounding errors of float arithmetic are of the size of
 * changes a hundred times smaller; faults are larger. Where operands or tensors are rounded, errors are of
 * the size of the changes: slots of few values then get several sets of them, so that no effect is small by
 * chance.
 *
 * A ReLU's mask and the winners of a maximum pooling are taken from the device's forward pass: near a kink
 * rounding decides. */
#include "spot_look.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "util.h"

static const double least_change = 1.0 / (1 << 17);
/* What errors may be: so much of the largest effect of the changes, of the largest value, whose last digits
 * are lost when it is added to, and of what a sum's terms add up to, for the square root of their number: a
 * sum that cancels is exact to the digits of its parts. */
static const double of_effect = 4, of_value = 1e-6, of_terms = 1.0 / (1 << 24);

/* Of a stored result, in roundings of elements: half of the last digit of one whose first digit is all there
 * is, and half as much again, since rounding alone can use that up. Denormal numbers of half are rounded to
 * multiples of 2^-24. */
static const double of_stored = 3, of_denormal = 1.5 / (1 << 25);

/* Sums of squares of larger values may not be finite as floats. Larger halves may have been rounded to
 * infinity. */
static const double largest = 1e15, largest_half = 65000;

static const unsigned parameter_gradients = RNCL_SLOT_BIT(dweight) | RNCL_SLOT_BIT(dbias);

static const rncl_spec *spec_of(const rncl_spot_look *look)
{
    return rncl_spec_of(look->op->desc.kind);
}

static const rncl_spec_pass *spec_pass_of(const rncl_spot_look *look)
{
    return &spec_of(look)->passes[look->pass];
}

/* The slots that hold elements of 2 bytes. */
static unsigned elements_of(const rncl_spot_look *look)
{
    return rncl_pass_elements(&look->op->passes[look->pass]);
}

static bool is_element(const rncl_spot_look *look, rncl_slot slot)
{
    return elements_of(look) & 1u << slot;
}

static rncl_precision precision_of(const rncl_spot_look *look)
{
    return look->op->passes[look->pass].context->precision;
}

static bool is_half(const rncl_spot_look *look, rncl_slot slot)
{
    return is_element(look, slot) && rncl_precision_element(precision_of(look)) == RNCL_ELEMENT_HALF;
}

/* What elements are rounded by. So much may also come between a tensor and statistics that were computed
 * before it was stored. */
static double of_element(const rncl_spot_look *look)
{
    return rncl_precision_rounding(precision_of(look));
}

void rncl_spot_look_begin(rncl_spot_look *look, const rncl_op *op, int pass, rncl_random random)
{
    rncl_spot_look_fini(look);
    *look = (rncl_spot_look){.op = op, .pass = pass, .random = random};
}

void rncl_spot_look_fini(rncl_spot_look *look)
{
    for (size_t i = 0; i < RNCL_SLOTS; i++) {
        free(look->parts[i].before);
        free(look->parts[i].after);
        free(look->parts[i].exact);
        free(look->parts[i].changed);
        look->parts[i] = (rncl_spot_part){0};
    }
}

/* ---- which values ---- */

/* Whether the gradient passes a ReLU, whose mask the device's y tells. */
static bool is_masked(const rncl_spot_look *look)
{
    rncl_op_desc desc = look->op->desc;
    return look->pass != RNCL_OP_FORWARD && spec_of(look)->smooth && spec_of(look)->smooth(&desc);
}

/* Whether dx has passed the ReLU whose result is x. */
static bool leaves_dz(const rncl_spot_look *look)
{
    return look->op->passes[look->pass].leaves_dz;
}

/* The case at hand, which has no ReLU where the mask is taken for it. */
static void describe(rncl_spot_look *look, const rncl_pass_at *at, rncl_random *random)
{
    const rncl_op *op = look->op;
    look->name = at->name;
    look->whole = (rncl_spec_case){.desc = op->desc, .pass = look->pass, .scalars = *at->scalars};
    look->whole.frozen = op->choice.frozen;
    look->whole.rounding =
        MAX(rncl_pass_rounding(&op->passes[look->pass]), elements_of(look) ? of_element(look) : 0);
    look->whole.weighted = at->buffers->class_weights != NULL;
    look->whole.scalars.flags |= RNCL_OP_TRAINING;
    if (is_masked(look))
        spec_of(look)->smooth(&look->whole.desc);
    rncl_slice_cut(&look->whole, random, &look->slice);
}

/* Slots that a backward pass of the reference reads, and the device's does not. */
static unsigned early_slots(const rncl_spot_look *look)
{
    const rncl_op_needs *needs = &look->op->needs;
    unsigned early = 0;
    if (look->pass == RNCL_OP_FORWARD)
        return 0;
    if (spec_pass_of(look)->reads & RNCL_SLOT_BIT(x) && !needs->backward_reads_x)
        early |= RNCL_SLOT_BIT(x);
    if (is_masked(look) && !needs->backward_reads_y)
        early |= RNCL_SLOT_BIT(y);
    return early;
}

static bool is_added(const rncl_spec_case *c, rncl_slot slot)
{
    if (c->pass == RNCL_OP_FORWARD)
        return false;
    return (slot == RNCL_SLOT_dx && c->scalars.flags & RNCL_OP_ACCUMULATE_DX) ||
           (parameter_gradients & 1u << slot && c->scalars.flags & RNCL_OP_ACCUMULATE_PARAMS);
}

static unsigned results_of(const rncl_spot_look *look)
{
    return spec_pass_of(look)->results & ~RNCL_SLOT_BIT(saved) &
           ~(look->whole.frozen ? parameter_gradients : 0u);
}

/* The slots that the host needs from before the pass. */
static unsigned reads_of(const rncl_spot_look *look)
{
    unsigned reads = spec_pass_of(look)->reads;
    if (is_masked(look)) /* the residual only decides about the mask */
        reads = (reads & ~RNCL_SLOT_BIT(residual)) | RNCL_SLOT_BIT(y);
    if (look->whole.frozen && look->op->desc.kind == RNCL_OP_batchnorm)
        reads |= RNCL_SLOT_BIT(running_mean) | RNCL_SLOT_BIT(running_variance);
    if (leaves_dz(look))
        reads |= RNCL_SLOT_BIT(x);
    RNCL_FOR_SLOTS (results_of(look), slot)
        if (is_added(&look->whole, slot))
            reads |= 1u << slot;
    return reads & ~look->early;
}

/* ---- from the device ---- */

/* Enqueues the reads of a slot's slice into new memory. */
static rncl_status fetch(rncl_spot_look *look, rncl_slot slot, cl_mem buffer, void **out)
{
    const rncl_spec_layout whole = spec_of(look)->layout(&look->whole, slot), *to = &look->parts[slot].layout;
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    const size_t count = rncl_slice_boxes(&look->slice, to, &whole, boxes);
    const size_t value = is_element(look, slot) ? sizeof(uint16_t) : sizeof(float);
    *out = calloc(rncl_spec_layout_count(to), value);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "slice of %zu values", rncl_spec_layout_count(to));
    for (size_t i = 0; i < count; i++) {
        const rncl_slice_box *b = &boxes[i];
        const size_t from[] = {b->from[2] * value, b->from[1], b->from[0]};
        const size_t at[] = {b->to[2] * value, b->to[1], b->to[0]};
        const size_t region[] = {b->size[2] * value, b->size[1], b->size[0]};
        const cl_int error = clEnqueueReadBufferRect(
            look->op->passes[look->pass].context->queue, buffer, CL_FALSE, from, at, region,
            whole.size[2] * value, whole.size[1] * whole.size[2] * value, to->size[2] * value,
            to->size[1] * to->size[2] * value, *out, 0, NULL, NULL);
        RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBufferRect", "a slice for a spot check"));
    }
    return RNCL_OK;
}

static rncl_status fetch_all(rncl_spot_look *look, const rncl_pass_at *at, unsigned slots, bool after)
{
    RNCL_FOR_SLOTS (slots, slot) {
        rncl_spot_part *p = &look->parts[slot];
        p->layout = spec_of(look)->layout(&look->slice.part, slot);
        if (at->buffers->slots[slot] && rncl_spec_layout_count(&p->layout))
            RNCL_TRY(fetch(look, slot, at->buffers->slots[slot], after ? &p->after : &p->before));
    }
    return RNCL_OK;
}

rncl_status rncl_spot_look_at(rncl_spot_look *look, const rncl_pass_at *at)
{
    const uint64_t began_ns = rncl_time_ns();
    rncl_random random = look->random; /* the same numbers each time */
    if (look->done || at->op != look->op ||
        at->turn != (int)rncl_random_below(&random, (uint32_t)MAX(at->turns, 1)))
        return RNCL_OK;
    if (at->pass == look->pass && at->done) {
        RNCL_TRY(fetch_all(look, at, results_of(look), true));
        look->done = true;
    } else if (at->pass == look->pass) {
        describe(look, at, &random);
        RNCL_TRY(fetch_all(look, at, reads_of(look), false));
    } else if (at->pass == RNCL_OP_FORWARD && at->done) {
        look->early = early_slots(look);
        describe(look, at, &random);
        RNCL_TRY(fetch_all(look, at, look->early, false));
    }
    look->spent_ns += rncl_time_ns() - began_ns;
    return RNCL_OK;
}

/* ---- the host's own ---- */

static double value_at(const rncl_spot_look *look, rncl_slot slot, const void *values, size_t i)
{
    if (is_element(look, slot))
        return (double)rncl_element_to_float(rncl_precision_element(precision_of(look)),
                                             ((const uint16_t *)values)[i]);
    return RNCL_INTEGER_SLOTS & 1u << slot ? (double)((const int32_t *)values)[i]
                                           : (double)((const float *)values)[i];
}

/* A number from -1 to 1 for a value, which is another one in each set. Equal values have the same, as they
 * are rounded alike: where half of a picture is background, rounding moves the mean. */
static double change_of(double value, rncl_slot slot, uint32_t set)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    rncl_random random = rncl_random_stream(bits, RNCL_RANDOM_TEST, (uint32_t)slot, set - 1);
    return 2 * (double)rncl_random_uniform(&random) - 1;
}

/* Inputs as they are (set 0), or those of them that can be changed each changed a little, differently in each
 * set, and room for results. */
static rncl_status fill(const rncl_spot_look *look, rncl_slot slot, uint32_t set, double **out)
{
    const rncl_spot_part *p = &look->parts[slot];
    const size_t count = rncl_spec_layout_count(&p->layout);
    const bool decides = (RNCL_INTEGER_SLOTS | look->early) & 1u << slot;
    *out = NULL;
    /* Nobody may want dx, but references write it. */
    if (!p->before && !p->after && (slot != RNCL_SLOT_dx || !count))
        return RNCL_OK;
    *out = calloc(count, sizeof **out);
    if (!*out)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "slice of %zu values", count);
    const double change = MAX(least_change, look->whole.rounding);
    for (size_t i = 0; p->before && i < count; i++) {
        (*out)[i] = value_at(look, slot, p->before, i);
        if (set && !decides)
            (*out)[i] *= 1 + change * change_of((*out)[i], slot, set);
    }
    return RNCL_OK;
}

/* The gradient that has passed the ReLU whose result is in `slot`. */
static void mask(const rncl_spot_look *look, rncl_slot slot, double *gradient)
{
    const rncl_spot_part *y = &look->parts[slot];
    for (size_t i = 0; i < rncl_spec_layout_count(&y->layout); i++)
        if (!(value_at(look, slot, y->before, i) > 0))
            gradient[i] = 0;
}

static rncl_status compute(rncl_spot_look *look, uint32_t set)
{
    double *tensors[RNCL_SLOTS];
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        rncl_spot_part *p = &look->parts[slot];
        double **to = set ? &p->changed : &p->exact;
        free(*to);
        RNCL_TRY(fill(look, slot, set, to));
        tensors[slot] = *to;
    }
    if (is_masked(look))
        mask(look, RNCL_SLOT_y, tensors[RNCL_SLOT_dy]);
    spec_of(look)->reference(&look->slice.part, tensors);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        const rncl_spot_part *p = &look->parts[slot];
        for (size_t i = 0; is_added(&look->whole, slot) && p->after && i < rncl_spec_layout_count(&p->layout);
             i++)
            tensors[slot][i] += value_at(look, slot, p->before, i);
    }
    if (leaves_dz(look))
        mask(look, RNCL_SLOT_x, tensors[RNCL_SLOT_dx]);
    return RNCL_OK;
}

/* How many sets of changes it takes until each result has had enough values. */
static uint32_t sets_of(const rncl_spot_look *look)
{
    enum { ENOUGH_VALUES = 24 };
    size_t fewest = ENOUGH_VALUES;
    for (size_t slot = 0; slot < RNCL_SLOTS; slot++) {
        const size_t count = rncl_spec_layout_count(&look->parts[slot].layout);
        if (look->parts[slot].after && count)
            fewest = MIN(fewest, count);
    }
    return look->whole.rounding > least_change ? (uint32_t)((ENOUGH_VALUES + fewest - 1) / fewest) : 1;
}

static void note_effects(rncl_spot_look *look)
{
    for (size_t slot = 0; slot < RNCL_SLOTS; slot++) {
        rncl_spot_part *p = &look->parts[slot];
        for (size_t i = 0; p->after && i < rncl_spec_layout_count(&p->layout); i++)
            p->effect = fmax(p->effect, fabs(p->changed[i] - p->exact[i]));
    }
}

/* ---- the verdict ---- */

/* The size below which values of the slot are rounded no finer. */
static double unit_of(const rncl_spot_look *look, rncl_slot slot)
{
    double *tensors[RNCL_SLOTS];
    for (size_t i = 0; i < RNCL_SLOTS; i++)
        tensors[i] = look->parts[i].exact;
    return spec_of(look)->unit ? spec_of(look)->unit(&look->slice.part, tensors, slot) : 0;
}

static double allowed_error(const rncl_spot_look *look, rncl_slot slot)
{
    const rncl_spot_part *p = &look->parts[slot];
    const double unit = unit_of(look, slot), terms = spec_of(look)->sum(&look->slice.part, slot).terms;
    double value = unit;
    if (RNCL_INTEGER_SLOTS & 1u << slot)
        return 0;
    for (size_t i = 0; i < rncl_spec_layout_count(&p->layout); i++)
        value = fmax(value, fabs(p->exact[i]));
    const double share = is_element(look, slot) ? of_stored * of_element(look) : of_value;
    const double least = is_half(look, slot) ? of_denormal : (double)FLT_MIN;
    return of_effect * p->effect + share * value + of_terms * sqrt(terms) * unit + least;
}

/* Otherwise floats or halves may overflow: training diverges or a step is not taken, which is somebody else's
 * to tell. */
static bool is_in_range(const rncl_spot_look *look)
{
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++) {
        const rncl_spot_part *p = &look->parts[slot];
        const double most = is_half(look, slot) ? largest_half : largest;
        for (size_t i = 0; p->exact && i < rncl_spec_layout_count(&p->layout); i++)
            if (!(fabs(p->exact[i]) < most))
                return false;
    }
    return true;
}

static rncl_status judge(const rncl_spot_look *look, rncl_slot slot, double *worst)
{
    const rncl_spot_part *p = &look->parts[slot];
    const double allowed = allowed_error(look, slot);
    for (size_t i = 0; i < rncl_spec_layout_count(&p->layout); i++) {
        const double value = value_at(look, slot, p->after, i), error = fabs(value - p->exact[i]);
        if (error <= allowed) {
            *worst = allowed > 0 ? fmax(*worst, error / allowed) : *worst;
            continue;
        }
        const rncl_pass *pass = &look->op->passes[look->pass];
        const char *algorithm = pass->row->name;
        return RNCL_FAIL(
            RNCL_ERR_WRONG_RESULT,
            "%s computes wrongly: %s, %s%s%s: a value is %.9g and not %.9g (error %.3g, allowed %.3g)",
            pass->context->info.name, look->name, look->op->type->passes[look->pass].name,
            *algorithm ? " by " : "", algorithm, value, p->exact[i], error, allowed);
    }
    return RNCL_OK;
}

rncl_status rncl_spot_look_judge(rncl_spot_look *look, double *worst)
{
    const uint64_t began_ns = rncl_time_ns();
    RNCL_TRY(compute(look, 0));
    for (uint32_t set = 1; set <= sets_of(look); set++) {
        RNCL_TRY(compute(look, set));
        note_effects(look);
    }
    const bool judged = is_in_range(look);
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)
        if (judged && look->parts[slot].after)
            RNCL_TRY(judge(look, slot, worst));
    look->spent_ns += rncl_time_ns() - began_ns;
    return RNCL_OK;
}
