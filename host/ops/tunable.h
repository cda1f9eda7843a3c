/* One pass of an operation on a device with all that can be chosen about it: what the tuner searches and
 * planning resolves. */
#ifndef RNCL_OPS_TUNABLE_H
#define RNCL_OPS_TUNABLE_H

#include "op.h"
#include "random.h"

struct rncl_tunable {
    rncl_context *context; /* this and the next two are the caller's to fill */
    rncl_op_desc desc;
    int pass;
    size_t row; /* of the operation's algorithms; 0 where it has none */
    rncl_knobs knobs;
    int values[RNCL_KNOBS]; /* of the knobs, in their order */
};

/* Rows that there are to choose from, 1 where the operation has no algorithms. */
size_t rncl_tunable_rows(const rncl_tunable *t);

/* Takes a row with its presets. False if it cannot do this pass at this shape. */
bool rncl_tunable_take_row(rncl_tunable *t, size_t row);

/* Takes what planning takes untuned. False if nothing can do it. */
bool rncl_tunable_take_default(rncl_tunable *t);

/* Takes what a setting says. False if that is not possible: it was made for something else. */
bool rncl_tunable_take(rncl_tunable *t, const rncl_setting *setting);

/* Takes any values of the row at hand that go together. False, and the values are of no use, if chance finds
 * none. */
bool rncl_tunable_draw(rncl_tunable *t, rncl_random *random);

/* Whether the values go together. */
bool rncl_tunable_allows(const rncl_tunable *t);

const char *rncl_tunable_algorithm(const rncl_tunable *t);
rncl_setting rncl_tunable_setting(const rncl_tunable *t);

/* What the kernel files of an algorithm begin with, separated by spaces; "" if there is none of that name. */
const char *rncl_tunable_kernels(rncl_op_kind kind, const char *algorithm);

/* For planning what has no algorithms: takes what somebody has tuned, else the presets. Whether it was tuned.
 */
bool rncl_tunable_resolve(rncl_tunable *t, const rncl_tuned *tuned);

/* The same for a pass of an operation: the values of its knobs. Counts the pass in op->problems and
 * op->tuned. */
void rncl_tunable_plan(rncl_op *op, int pass, int values[RNCL_KNOBS]);

#endif
