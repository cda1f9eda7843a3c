/* Cutting a problem down, and back to the place of a value in the whole. */
#include "trial_slice.h"

#include <math.h>
#include <stdlib.h>

/* A sum of so many products is about the root of their number in size, and its error grows with that root
 * again; faults are of the size of a product. */
static const double tolerance_per_product = 1e-5;

double rncl_trial_tolerance(const rncl_trial_operation *operation, const rncl_op_desc *desc,
                            rncl_trial_slot slot)
{
    return tolerance_per_product * operation->length(desc, slot);
}

void rncl_trial_pick(rncl_trial_slice *slice, rncl_trial_axis axis, rncl_int *size)
{
    const int whole = *size, count = whole < RNCL_TRIAL_PICKS ? whole : RNCL_TRIAL_PICKS;
    for (int i = 0; i < count; i++)
        slice->picks[axis].index[i] = count > 1 ? i * (whole - 1) / (count - 1) : 0;
    slice->picks[axis].count = count;
    *size = count;
}

size_t rncl_trial_layout_count(const rncl_trial_layout *layout)
{
    return layout->size[0] * layout->size[1] * layout->size[2];
}

/* Where value `i` of a slice's tensor lies in the whole one. */
static size_t place_of(const rncl_trial_slice *slice, const rncl_trial_layout *part,
                       const rncl_trial_layout *whole, size_t i)
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

/* The slice's tensors: what is drawn from the whole ones, other results without values yet. */
static rncl_status take_tensors(const rncl_trial_operation *operation, const rncl_problem *problem,
                                const rncl_trial_slice *slice, const float *const drawn[],
                                const float *const results[], double *part[RNCL_TRIAL_SLOT_COUNT])
{
    for (rncl_trial_slot slot = 0; slot < RNCL_TRIAL_SLOT_COUNT; slot++) {
        if ((!drawn[slot] && !results[slot]) || slot == RNCL_TRIAL_saved)
            continue;
        const rncl_trial_layout to = operation->layout(&slice->desc, slot);
        const rncl_trial_layout from = operation->layout(&problem->desc, slot);
        part[slot] = calloc(rncl_trial_layout_count(&to), sizeof(double));
        if (!part[slot])
            return RNCL_FAIL(RNCL_ERR_MEMORY, "part of a tensor, %zu values", rncl_trial_layout_count(&to));
        for (size_t i = 0; drawn[slot] && i < rncl_trial_layout_count(&to); i++)
            part[slot][i] = (double)drawn[slot][place_of(slice, &to, &from, i)];
    }
    return RNCL_OK;
}

static rncl_status compare(const rncl_trial_operation *operation, const rncl_problem *problem,
                           const rncl_trial_slice *slice, rncl_trial_slot slot, const float *whole,
                           const double *exact)
{
    const rncl_trial_layout part = operation->layout(&slice->desc, slot);
    const rncl_trial_layout of = operation->layout(&problem->desc, slot);
    const double tolerance = rncl_trial_tolerance(operation, &problem->desc, slot);
    for (size_t i = 0; i < rncl_trial_layout_count(&part); i++) {
        const size_t at = place_of(slice, &part, &of, i);
        if (!(fabs((double)whole[at] - exact[i]) <= tolerance))
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %zu is %g and not %g", at, (double)whole[at],
                             exact[i]);
    }
    return RNCL_OK;
}

rncl_status rncl_trial_check_slice(const rncl_trial_operation *operation, const rncl_problem *problem,
                                   const float *const drawn[RNCL_TRIAL_SLOT_COUNT],
                                   const float *const results[RNCL_TRIAL_SLOT_COUNT])
{
    rncl_trial_slice slice = {.desc = problem->desc};
    double *part[RNCL_TRIAL_SLOT_COUNT] = {NULL};
    operation->cut(&slice, problem->pass);
    rncl_status st = take_tensors(operation, problem, &slice, drawn, results, part);
    if (!st)
        operation->reference(&slice.desc, problem->pass, part);
    for (rncl_trial_slot slot = 0; slot < RNCL_TRIAL_SLOT_COUNT && !st; slot++)
        if (part[slot] && results[slot])
            st = compare(operation, problem, &slice, slot, results[slot], part[slot]);
    for (rncl_trial_slot slot = 0; slot < RNCL_TRIAL_SLOT_COUNT; slot++)
        free(part[slot]);
    return st;
}
