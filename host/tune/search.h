/* The search for the best setting of one problem. */
#ifndef RNCL_TUNE_SEARCH_H
#define RNCL_TUNE_SEARCH_H

#include "random.h"
#include "store.h"
#include "worker.h"

enum { RNCL_MOST_TRIED = 512, RNCL_MOST_ROWS = 16 };

/* Times candidates: a worker, or in tests a formula. */
typedef struct rncl_timer {
    rncl_status (*ask)(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                       uint64_t *times_ns, char why[128]);
    void *user;
} rncl_timer;

/* A setting and its time; UINT64_MAX: it failed. */
typedef struct rncl_tried {
    rncl_setting setting;
    uint64_t time_ns;
} rncl_tried;

typedef struct rncl_search {
    rncl_context *context;
    rncl_store *store;
    rncl_timer timer;
    rncl_problem problem;
    uint64_t deadline_ns; /* by rncl_time_ns */
    rncl_random random;
    rncl_tried tried[RNCL_MOST_TRIED];
    size_t tried_count;
    rncl_tried best;
    /* For each row of each operation: the number of problems at which its presets were far slower than the
     * best. After two the row is skipped. The counts are kept when the search continues with another
     * problem. */
    int losses[RNCL_OP_COUNT][RNCL_MOST_ROWS];
} rncl_search;

/* The setting that planning uses without tuning. RNCL_ERR_SHAPE if no row can do the pass. */
rncl_status rncl_search_presets(rncl_context *context, const rncl_problem *problem, rncl_setting *out);

/* Times the presets and then, until the deadline, the presets of all algorithms, the best settings of
 * related problems, a coordinate descent from the best so far, and descents from random settings. The
 * result replaces the presets only if it is still more than 3 % faster when both are timed again in turns.
 * Fills *entry. RNCL_ERR_WRONG_RESULT if not even the presets can be run. */
rncl_status rncl_search_run(rncl_search *search, rncl_tuned_entry *entry);

#endif
