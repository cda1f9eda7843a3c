/* Tunes a network's problems within a time budget. */
#ifndef RNCL_TUNE_TUNE_H
#define RNCL_TUNE_TUNE_H

#include "search.h"

/* A problem, and how often it occurs in a training step. */
typedef struct rncl_tune_task {
    rncl_problem problem;
    int count;
    uint64_t preset_ns;     /* set by rncl_tune: the presets' time */
    rncl_tuned_entry entry; /* set by rncl_tune: time_ns is 0 if the budget ended before */
} rncl_tune_task;

typedef struct rncl_tune_options {
    rncl_context *context; /* for planning; nothing is launched on it */
    rncl_store *store;
    rncl_timer timer;
    double budget_seconds;
    bool retune; /* removes earlier results */
    const rncl_log *log;
    /* Called after each problem. May be NULL. */
    void (*progress)(void *user, const rncl_tune_task *task, size_t done, size_t count, double seconds_left);
    void *user;
} rncl_tune_options;

/* Times all presets, then searches the problems in order of their share of a step; each gets that share of
 * the remaining budget. Problems that the store has as finished are not searched again. Every result is on
 * disk before the next search begins. Sorts the tasks into the order of the search. */
rncl_status rncl_tune(const rncl_tune_options *options, rncl_tune_task *tasks, size_t count);

#endif
