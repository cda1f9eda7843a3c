/* When a run that is not told saves: often enough that little is lost, seldom enough that it costs little. */
#ifndef RNCL_TRAIN_SAVE_CLOCK_H
#define RNCL_TRAIN_SAVE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rncl_save_clock {
    uint64_t saved_ns; /* when the last checkpoint was on disk; before the first, when the run began */
    uint64_t cost_ns;  /* what it took; 0 before the first */
} rncl_save_clock;

/* Times are those of rncl_time_ns. */
void rncl_save_clock_start(rncl_save_clock *clock, uint64_t now_ns);
void rncl_save_clock_saved(rncl_save_clock *clock, uint64_t start_ns, uint64_t now_ns);

/* A hundred times as long as saving takes, so that it costs less than 1 %, but at least one minute, which
 * spares disks, and at most ten, whatever it costs. */
uint64_t rncl_save_clock_interval_ns(const rncl_save_clock *clock);
bool rncl_save_clock_due(const rncl_save_clock *clock, uint64_t now_ns);

#endif
