/* Trials in a child process, which may crash, hang or be killed: the parent's and the child's side.
 * Requests and replies are lines of JSON. */
#ifndef RNCL_TUNE_WORKER_H
#define RNCL_TUNE_WORKER_H

#include "trial.h"

/* The child's side: reads requests from standard input until that ends, and replies on standard output. */
rncl_status rncl_worker_serve(rncl_context *context, const rncl_trial_hook *hook);

/* The parent's side. The child is started when it is first needed. */
typedef struct rncl_worker {
    const char *const *arguments; /* the program and its arguments, NULL at the end */
    int timeout_ms;               /* for one request; after that the child is killed */
    int pid, to, from;            /* of the child; pid 0: it is not running */
    char *reply;                  /* the part of a reply that has been read */
    size_t reply_size;
} rncl_worker;

void rncl_worker_init(rncl_worker *worker, const char *const *arguments, int timeout_ms);
void rncl_worker_fini(rncl_worker *worker); /* ends the child */

/* Outcome of a request. */
typedef enum rncl_worker_outcome {
    RNCL_WORKER_DONE,
    RNCL_WORKER_REFUSED, /* the setting is not possible, its result is wrong, or memory is short */
    RNCL_WORKER_DIED,
    RNCL_WORKER_HUNG,
} rncl_worker_outcome;

typedef struct rncl_worker_request {
    rncl_problem problem;
    const rncl_setting *settings; /* one setting is run, checked and timed; several are compared */
    size_t count;
    uint64_t drop_ns; /* as in rncl_trial_run */
} rncl_worker_request;

/* Fills times_ns [count] if the outcome is DONE, else `why` with a text. A status other than RNCL_OK is a
 * failure of this process: no pipe, no program. */
rncl_status rncl_worker_ask(rncl_worker *worker, const rncl_worker_request *request,
                            rncl_worker_outcome *outcome, uint64_t *times_ns, char why[128]);

#endif
