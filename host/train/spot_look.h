/* One look at a pass of a training: a slice of it, from the device and recomputed on the host. */
#ifndef RNCL_TRAIN_SPOT_LOOK_H
#define RNCL_TRAIN_SPOT_LOOK_H

#include "pass_observer.h"
#include "slice.h"

/* Values of one slot in the slice. */
typedef struct rncl_spot_part {
    rncl_spec_layout layout;
    void *before, *after; /* 32-bit values; NULL: not read, not written */
    double *exact, *changed;
    double effect; /* the largest of all changes of inputs */
} rncl_spot_part;

typedef struct rncl_spot_look {
    const rncl_op *op;
    int pass;
    rncl_random random; /* decides about micro-batch and slice */

    const char *name;  /* of the layer */
    bool done;         /* everything has been fetched, or will have been when the queue is empty */
    uint64_t spent_ns; /* by the host */
    rncl_spec_case whole;
    rncl_spec_slice slice;
    unsigned early; /* slots that are fetched in the forward pass, since they may be gone in this one */
    rncl_spot_part parts[RNCL_SLOTS];
} rncl_spot_look;

/* Begins with a pass, and frees what an earlier look has left; the first time *look is zero. */
void rncl_spot_look_begin(rncl_spot_look *look, const rncl_op *op, int pass, rncl_random random);
void rncl_spot_look_fini(rncl_spot_look *look);

/* To be called with each pass of a step. Enqueues the reads of what the pass reads before it, and of what it
 * writes behind it, so that it does not matter if memory is used again or overwritten in place. */
rncl_status rncl_spot_look_at(rncl_spot_look *look, const rncl_pass_at *at);

/* When it is done and the queue is empty: recomputes the slice. RNCL_ERR_WRONG_RESULT if the device's is
 * another; the message names device, layer, pass, algorithm and error. *worst becomes at least the largest
 * error, as a share of what is allowed. */
rncl_status rncl_spot_look_judge(rncl_spot_look *look, double *worst);

#endif
