/* Slices: parts of a pass's result that the host's reference can compute quickly. */
#ifndef RNCL_SPEC_SLICE_H
#define RNCL_SPEC_SLICE_H

#include <math.h>
#include <stdbool.h>

#include "spec.h"

/* The first, the last and one between them. */
enum { RNCL_SLICE_PICKS = 3 };

/* A smaller case of the same pass. Its tensors are parts of the whole case's tensors, and its results are
 * equal to those parts of the whole results. */
struct rncl_spec_slice {
    rncl_spec_case part;
    rncl_random *random; /* while it is cut: draws the middle picks; NULL: they are in the middle */
    struct {
        int count; /* 0: all of the axis */
        int index[RNCL_SLICE_PICKS];
    } picks[RNCL_AXES]; /* in ascending order */
};

/* For rncl_spec.cut: picks the first and the last index of an axis of *size, and one between them. *size
 * becomes their number. */
void rncl_slice_pick(rncl_spec_slice *slice, rncl_spec_axis axis, rncl_int *size);

/* For rncl_spec.cut: picks of axis `to` are those of `from`, `offset` further on. */
void rncl_slice_shift(rncl_spec_slice *slice, rncl_spec_axis from, rncl_spec_axis to, int offset);

/* The slice of a case that its operation's `cut` chooses. `random` NULL: the same one for each call. */
void rncl_slice_cut(const rncl_spec_case *c, rncl_random *random, rncl_spec_slice *out);

/* A stretch of a tensor that belongs to a slice, as places along its three axes, in values. */
typedef struct rncl_slice_box {
    size_t from[3]; /* in the whole tensor */
    size_t to[3];   /* in the slice's */
    size_t size[3];
} rncl_slice_box;

/* All of a slice's tensor. Returns how many there are. */
enum { RNCL_SLICE_BOXES = RNCL_SLICE_PICKS * RNCL_SLICE_PICKS * RNCL_SLICE_PICKS };
size_t rncl_slice_boxes(const rncl_spec_slice *slice, const rncl_spec_layout *part,
                        const rncl_spec_layout *whole, rncl_slice_box boxes[RNCL_SLICE_BOXES]);

/* The largest error that a value of a result may have: fixed + of_value |value|; 0: it must be exact. */
typedef struct rncl_tolerance {
    double fixed, of_value;
} rncl_tolerance;

rncl_tolerance rncl_slice_tolerance(const rncl_spec_case *c, rncl_slot slot);

static inline bool rncl_tolerance_allows(rncl_tolerance tolerance, double value, double expected)
{
    return fabs(value - expected) <= tolerance.fixed + tolerance.of_value * fabs(expected); /* not of a NaN */
}

/* Compares a slice of the results with the reference. `inputs` (what the pass reads) and `results` are
 * whole tensors, NULL where the case has none. RNCL_ERR_WRONG_RESULT if a value is wrong. */
rncl_status rncl_slice_check(const rncl_spec_case *c, const void *const inputs[RNCL_SLOTS],
                             const void *const results[RNCL_SLOTS]);

#endif
