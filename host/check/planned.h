/* Operations as a network has planned them, checked at small shapes: the algorithms and values of knobs are
 * the network's, so that its own programs run. */
#ifndef RNCL_CHECK_PLANNED_H
#define RNCL_CHECK_PLANNED_H

#include "check.h"
#include "op.h"

enum { RNCL_PLANNED_TEXT = 4096 };

typedef struct rncl_planned_check {
    const rncl_op *op; /* the network's */
    rncl_op_desc desc; /* the small shape */
    rncl_setting settings[RNCL_OP_PASSES];
    rncl_setting parts[RNCL_OP_PASSES]; /* of the passes that passes consist of, where they do */
} rncl_planned_check;

/* Finds a small shape that the operation's settings go with. */
void rncl_planned_check_init(const rncl_op *op, rncl_planned_check *out);

/* All that decides about what runs: shape, algorithms, knobs and a hash of the kernels. Two checks of the
 * same text are the same. */
rncl_status rncl_planned_check_describe(const rncl_planned_check *check, char text[RNCL_PLANNED_TEXT]);

/* Runs it; `report` hears of each result. */
rncl_status rncl_planned_check_run(const rncl_planned_check *check, uint64_t seed,
                                   void (*report)(void *user, const rncl_check_result *result), void *user);

/* Only builds the programs that the check needs, and runs nothing. */
rncl_status rncl_planned_check_build(const rncl_planned_check *check);

#endif
