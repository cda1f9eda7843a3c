/* Sums of times. */
#include "pace.h"

void rncl_pace_start(rncl_pace *pace, uint64_t now_ns)
{
    *pace = (rncl_pace){.start_ns = now_ns, .mark_ns = now_ns};
}

void rncl_pace_go(rncl_pace *pace, uint64_t now_ns)
{
    pace->mark_ns = now_ns;
}

static void add(rncl_pace_sums *sums, uint64_t time_ns, uint64_t waited_ns)
{
    sums->time_ns += time_ns;
    sums->waited_ns += waited_ns;
    sums->steps++;
}

void rncl_pace_step(rncl_pace *pace, uint64_t now_ns, uint64_t waited_ns)
{
    /* Drivers compile during the first step, which therefore says nothing about the others. */
    if (pace->steps++ == 0) {
        pace->first_step_ns = now_ns - pace->start_ns;
    } else {
        add(&pace->all, now_ns - pace->mark_ns, waited_ns - pace->waited_mark_ns);
        add(&pace->interval, now_ns - pace->mark_ns, waited_ns - pace->waited_mark_ns);
    }
    pace->mark_ns = now_ns;
    pace->waited_mark_ns = waited_ns;
}

rncl_pace_sums rncl_pace_interval(rncl_pace *pace)
{
    const rncl_pace_sums sums = pace->interval;
    pace->interval = (rncl_pace_sums){0};
    return sums;
}

double rncl_pace_seconds(const rncl_pace *pace, uint64_t now_ns)
{
    return 1e-9 * (double)(now_ns - pace->start_ns);
}

double rncl_pace_steps_per_second(const rncl_pace_sums *sums)
{
    return sums->time_ns ? 1e9 * (double)sums->steps / (double)sums->time_ns : 0;
}

double rncl_pace_waiting(const rncl_pace_sums *sums)
{
    return sums->time_ns ? (double)sums->waited_ns / (double)sums->time_ns : 0;
}
