/* The choice of shares of the depth. */
#include "depth_shares.h"

#include <math.h>

/* More shares have to save at least this part of the time. */
static const double least_gain = 0.02;

/* Compute units take turns at work-groups, and one work-group alone leaves a third of a compute unit's time
 * to latencies. A value of a share is written and read: 8 bytes. */
double depth_shares_time(const rncl_context *context, const depth_problem *problem, int shares)
{
    const double units = context->info.compute_units, turns = ceil(problem->groups * shares / units);
    const double summing =
        shares > 1 ? 8.0 * problem->operations_a_byte * shares / (2.0 * problem->depth) : 0;
    return fmax(turns, 1.5) / shares + summing * problem->groups / units;
}

int depth_shares_best(const rncl_context *context, const depth_problem *problem)
{
    enum { LONGEST_LOOP = 1 << 15 };
    int best = 1;
    for (int shares = 2; shares <= problem->most && problem->depth / shares >= problem->least_depth;
         shares++) {
        const bool too_long = !context->traits.long_loops && problem->depth / best > LONGEST_LOOP;
        if (too_long || depth_shares_time(context, problem, shares) <
                            (1 - least_gain) * depth_shares_time(context, problem, best))
            best = shares;
    }
    return best;
}
