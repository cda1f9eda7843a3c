/* A run as another process sees it: what its folder tells, read again and again. */
#ifndef RNCL_TRAIN_FOLLOWED_RUN_H
#define RNCL_TRAIN_FOLLOWED_RUN_H

#include <stdint.h>
#include <time.h>

#include "checkpoint.h"
#include "columns.h"
#include "options.h"
#include "status.h"

typedef enum rncl_run_phase {
    RNCL_RUN_PREPARING, /* a process has the folder, and no step has been taken */
    RNCL_RUN_TRAINING,
    RNCL_RUN_FINISHED, /* all steps are done */
    RNCL_RUN_ENDED     /* before its last step: stopped early, interrupted, killed */
} rncl_run_phase;

/* Columns of metrics.csv and of steps.csv. */
enum {
    RNCL_FOLLOWED_EPOCH,
    RNCL_FOLLOWED_STEP,
    RNCL_FOLLOWED_TRAIN_LOSS,
    RNCL_FOLLOWED_TRAIN_ERROR, /* 100 - top-1 */
    RNCL_FOLLOWED_VAL_LOSS,
    RNCL_FOLLOWED_VAL_ERROR,
    RNCL_FOLLOWED_SPEED /* images/s */
};
enum { RNCL_FOLLOWED_STEPS_STEP, RNCL_FOLLOWED_STEPS_LOSS, RNCL_FOLLOWED_STEPS_LR };

enum { RNCL_FOLLOWED_MARKS = 32 };

typedef struct rncl_followed_run {
    const char *folder;
    rncl_run_phase phase;
    rncl_columns metrics, steps; /* losses of steps are smoothed */
    int64_t total;               /* steps of the whole run; 0: not known */
    int64_t saved_step;          /* of last.ckpt; -1: there is none */
    rncl_progress progress;      /* what is not known is NaN */

    int batch_size;
    double pictures; /* of an epoch; NaN: not known */
    uint64_t seen;   /* digest of the files' sizes and times at the last look */
    /* Steps done at times of looks, for the speed; a ring. */
    struct {
        int64_t step;
        uint64_t time_ns;
    } marks[RNCL_FOLLOWED_MARKS];
    size_t mark_count;
} rncl_followed_run;

/* Begins to follow the run in `folder`, which is borrowed. Looks at nothing yet. */
void rncl_followed_run_init(rncl_followed_run *run, const char *folder);
void rncl_followed_run_fini(rncl_followed_run *run);

/* Looks at the run. *changed: anything differs from the look before. RNCL_ERR_DATA for a folder that is not
 * there (any more) or is no run, and for damaged files. */
rncl_status rncl_followed_run_look(rncl_followed_run *run, bool *changed);

bool rncl_followed_run_is_over(const rncl_followed_run *run);

/* Row of the evaluation with the least error; metrics.rows if there is none. */
size_t rncl_followed_run_best(const rncl_followed_run *run);

#endif
