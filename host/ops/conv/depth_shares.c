/* The choice of shares of the depth. */
#include "depth_shares.h"

#include <math.h>

/* More shares have to save at least this part of the time. */
static const double least_gain = 0.02;

/* Time of so many turns of every compute unit, relative to a turn among many. A compute unit hides memory
 * latency by switching between work-groups: one work-group keeps it busy for 62 % of the time, two for 75 %,
 * more for 85 %. scripts/gpu-model has the same estimates. */
static double time_of_turns(double turns)
{
    static const double busy_alone = 0.62, busy_in_two = 0.75, busy_in_many = 0.85;
    const double busy = turns <= 1 ? busy_alone : turns <= 2 ? busy_in_two : busy_in_many;
    return turns * busy_in_many / busy;
}

/* Compute units take turns at work-groups. A value of a share is written and read: 8 bytes. */
double depth_shares_time(const rncl_context *context, const depth_problem *problem, int shares)
{
    const double units = context->info.compute_units, turns = ceil(problem->groups * shares / units);
    const double summing =
        shares > 1 ? 8.0 * problem->operations_a_byte * shares / (2.0 * problem->depth) : 0;
    return time_of_turns(turns) / shares + summing * problem->groups / units;
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
