/* The search for the best setting of one problem. */
#ifndef RNCL_TUNE_SEARCH_H
#define RNCL_TUNE_SEARCH_H

#include "random.h"
#include "store.h"
#include "worker.h"

enum { RNCL_MOST_TRIED = 512, RNCL_MOST_ROWS = 16 };

/* Who times candidates: a worker; in tests, a formula. */
typedef struct rncl_timer {
    rncl_status (*ask)(void *user, const rncl_worker_request *request, rncl_worker_outcome *outcome,
                       uint64_t *times_ns, char why[128]);
    void *user;
} rncl_timer;

/* A setting, and what came of it; UINT64_MAX: nothing good. */
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
    /* Of each operation's algorithms: problems at which its presets were hopeless. After two it is left out
     * of the next ones; a search that goes on with another problem keeps this. */
    int losses[RNCL_OP_COUNT][RNCL_MOST_ROWS];
} rncl_search;

/* What untuned planning takes. RNCL_ERR_SHAPE if there is nothing. */
rncl_status rncl_search_presets(rncl_context *context, const rncl_problem *problem, rncl_setting *out);

/* Times the presets, then everything that seems worth it until the deadline: the presets of all algorithms,
 * what is best for like problems, then from the best so far one knob at a time in the direction that helps,
 * then at random. The presets give way only to what is still faster by more than 3 % when both are timed
 * again in turns. Fills *entry. RNCL_ERR_WRONG_RESULT if not even the presets can be run. */
rncl_status rncl_search_run(rncl_search *search, rncl_tuned_entry *entry);

#endif
