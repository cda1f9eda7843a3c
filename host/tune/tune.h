/* Tuning a network's problems within a budget of time. */
#ifndef RNCL_TUNE_TUNE_H
#define RNCL_TUNE_TUNE_H

#include "search.h"

/* A problem, and how often a training step meets it. */
typedef struct rncl_tune_task {
    rncl_problem problem;
    int count;
    uint64_t preset_ns;     /* filled: in the quick round */
    rncl_tuned_entry entry; /* filled: time_ns 0 if it was not got to */
} rncl_tune_task;

typedef struct rncl_tune_options {
    rncl_context *context; /* for planning; nothing is launched on it */
    rncl_store *store;
    rncl_timer timer;
    double budget_seconds;
    bool retune; /* forgets what has been found before */
    const rncl_log *log;
    /* After each problem; NULL: nobody wants to know. */
    void (*progress)(void *user, const rncl_tune_task *task, size_t done, size_t count, double seconds_left);
    void *user;
} rncl_tune_options;

/* Times all presets, then searches problem by problem in order of their share of a step, each as long as its
 * share of the budget that is left. What the store has as finished is taken from there. Every result is on
 * disk before the next begins. Sorts the tasks in the order in which it took them. */
rncl_status rncl_tune(const rncl_tune_options *options, rncl_tune_task *tasks, size_t count);

#endif
