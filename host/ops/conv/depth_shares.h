/* How many shares the depth of a product in tiles is split into: compute units should all have work until the
 * end, but each share writes a result of its own, and these have to be added up. */
#ifndef RNCL_OPS_DEPTH_SHARES_H
#define RNCL_OPS_DEPTH_SHARES_H

#include "context.h"

typedef struct depth_problem {
    double groups;         /* work-groups of a launch whose depth is not split */
    int depth;             /* that is summed over */
    int least_depth;       /* of a share */
    int most;              /* shares, at least 1 */
    int operations_a_byte; /* multiplications and additions in the time that memory takes for a byte */
} depth_problem;

/* Time of the launch and of adding up, relative to that of one work-group with the whole depth. */
double depth_shares_time(const rncl_context *context, const depth_problem *problem, int shares);

/* The number of shares that finishes first; not necessarily a power of two. */
int depth_shares_best(const rncl_context *context, const depth_problem *problem);

#endif
