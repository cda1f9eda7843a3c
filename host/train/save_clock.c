/* The interval between checkpoints by time. */
#include "save_clock.h"

#include "util.h"

static const uint64_t minute_ns = UINT64_C(60000000000);

void rncl_save_clock_start(rncl_save_clock *clock, uint64_t now_ns)
{
    *clock = (rncl_save_clock){.saved_ns = now_ns};
}

void rncl_save_clock_saved(rncl_save_clock *clock, uint64_t start_ns, uint64_t now_ns)
{
    *clock = (rncl_save_clock){.saved_ns = now_ns, .cost_ns = now_ns - start_ns};
}

uint64_t rncl_save_clock_interval_ns(const rncl_save_clock *clock)
{
    return MIN(MAX(100 * clock->cost_ns, minute_ns), 10 * minute_ns);
}

bool rncl_save_clock_due(const rncl_save_clock *clock, uint64_t now_ns)
{
    return now_ns - clock->saved_ns >= rncl_save_clock_interval_ns(clock);
}
