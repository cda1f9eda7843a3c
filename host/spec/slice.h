/* Slices: parts of a pass's result that the host's reference can compute quickly. */
#ifndef RNCL_SPEC_SLICE_H
#define RNCL_SPEC_SLICE_H

#include "spec.h"

enum { RNCL_SLICE_PICKS = 3 };

/* A smaller case of the same pass. Its tensors are parts of the whole case's tensors, and its results are
 * equal to those parts of the whole results. */
struct rncl_spec_slice {
    rncl_spec_case part;
    struct {
        int count; /* 0: all of the axis */
        int index[RNCL_SLICE_PICKS];
    } picks[RNCL_AXES]; /* in ascending order */
};

/* For rncl_spec.cut: picks a few indices of an axis of *size, among them the first and the last. *size
 * becomes their number. */
void rncl_slice_pick(rncl_spec_slice *slice, rncl_spec_axis axis, rncl_int *size);

/* The largest error that a value of a result may have; 0: it must be exact. */
double rncl_slice_tolerance(const rncl_spec_case *c, rncl_slot slot);

/* Compares a slice of the results with the reference. `inputs` (what the pass reads) and `results` are
 * whole tensors, NULL where the case has none. RNCL_ERR_WRONG_RESULT if a value is wrong. */
rncl_status rncl_slice_check(const rncl_spec_case *c, const void *const inputs[RNCL_SLOTS],
                             const void *const results[RNCL_SLOTS]);

#endif
