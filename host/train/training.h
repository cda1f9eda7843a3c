/* A training in progress: its parts, which training_setup.c puts together, and the steps that are taken with
 * them. The caller's loop decides when: that of rncl_train, or the user of a rncl_trainer. */
#ifndef RNCL_TRAIN_TRAINING_H
#define RNCL_TRAIN_TRAINING_H

#include "checkpoint.h"
#include "context.h"
#include "event_log.h"
#include "inputs.h"
#include "metrics.h"
#include "model.h"
#include "network.h"
#include "options.h"
#include "pace.h"
#include "ranks.h"
#include "run_folder.h"
#include "save_clock.h"
#include "schedule.h"
#include "spot_checks.h"
#include "store.h"

typedef struct rncl_training {
    rncl_context *context;
    const rncl_options *options; /* complete */
    rncl_train_listener listener;
    rncl_ranks *ranks; /* who trains together, with the same options; NULL: alone */
    rncl_share share;  /* of this rank in each batch */
    struct {
        bool stop, out_of_time, save;
    } agreed; /* what ranks wished for when they collected the last step */
    rncl_inputs inputs;
    rncl_graph *graph;
    rncl_loader *loader; /* of training batches */
    rncl_store *store;   /* of tuning results */
    bool tuning_kept;    /* the run folder has those that the run computes with */
    rncl_network *network;
    rncl_spot_checks *checks;      /* NULL: none */
    bool doubts;                   /* the first of them repeats one that found a wrong result */
    rncl_network_vectors vectors;  /* on the host, for files */
    rncl_checkpoint_errors errors; /* rank 0: of all ranks, else its own; no values: none */
    rncl_model_meta meta;          /* its labels are the data set's */
    rncl_schedule schedule;
    float *class_weights; /* NULL: none */
    rncl_run_lock lock;   /* of the run folder */
    rncl_metrics metrics;
    rncl_event_log *events; /* NULL: none */
    rncl_pace pace;
    rncl_save_clock save_clock;
    uint64_t fingerprint;
    rncl_run_data data;
    int64_t steps; /* of the whole run */

    rncl_run_state state;     /* of the steps that have been collected */
    int64_t enqueued;         /* steps, with those that have not */
    rncl_batch_result last;   /* of the last step that was collected */
    float last_lr;            /* its learning rate */
    bool trial;               /* set before it is opened: it has no run folder and writes no file */
    double seconds_before;    /* spent by earlier processes */
    bool announced;           /* what it is going to do */
    bool evaluation_diverged; /* an evaluation was the last to say RNCL_ERR_DIVERGED */
    bool improved;            /* the weights are the best so far, and have not been saved as such */
} rncl_training;

/* Puts a training together; `context`, `options`, `listener`, `ranks` and `trial` are set, everything else is
 * zero. `options` is the same as training->options and comes back complete: image, classes, mean, std,
 * micro-batch and run folder filled in. After a failure the caller still calls rncl_training_close. */
rncl_status rncl_training_open(rncl_training *training, rncl_options *options);
void rncl_training_close(rncl_training *training);

/* As the functions of rncl/trainer.h of these names. */
int64_t rncl_training_steps_ahead(const rncl_training *training);
bool rncl_training_evaluation_due(const rncl_training *training);
bool rncl_training_finished(const rncl_training *training);

/* Up to `count` steps; fewer at the end of the run, at its time limit, or when the listener asks for a stop.
 * None is outstanding afterwards, unless it fails. */
rncl_status rncl_training_step(rncl_training *training, int64_t count);
/* RNCL_ERR_INTERRUPTED, with no result, when the listener asks for a stop. */
rncl_status rncl_training_evaluate(rncl_training *training, rncl_evaluation *result);

/* What is told of the last step; `evaluated`: an evaluation has just ended. */
rncl_progress rncl_training_progress(const rncl_training *training, bool evaluated);
void rncl_training_result(const rncl_training *training, rncl_train_result *result);

/* Draws the run's curves.png. A curve that cannot be drawn must not end a training: it is a warning. */
void rncl_training_draw(const rncl_training *training);
/* The same after 1, 10, 100 … steps, as long as no evaluation has been there to draw behind. */
void rncl_training_draw_step(const rncl_training *training);

/* The checkpoint of this run at `path`. */
rncl_checkpoint rncl_training_checkpoint(rncl_training *training, const char *path);

/* Allocates and fills training->vectors and training->state, from the checkpoint if the run is resumed. */
rncl_status rncl_training_prepare_weights(rncl_training *training);
void rncl_training_free_weights(rncl_training *training);
/* Fills both from the run folder's checkpoint `name`. */
rncl_status rncl_training_load(rncl_training *training, const char *name);

/* After a failure with RNCL_ERR_DEVICE_MEMORY: goes back to the last checkpoint with smaller micro-batches
 * and warns; from there on everything is as if the run had been resumed with them. RNCL_ERR_DEVICE_MEMORY if
 * single pictures have failed, and of several ranks, of which the others know nothing of the failure. */
rncl_status rncl_training_shrink(rncl_training *training);

/* After a failure with RNCL_ERR_WRONG_RESULT: goes back to the last checkpoint, so that the wrong result is
 * in no weights, and looks at the same values first. RNCL_ERR_WRONG_RESULT the second time in a row, and of
 * several ranks. */
rncl_status rncl_training_doubt(rncl_training *training);

/* Opens training->store: what the run folder has where it has any, else what has been tuned on this device.
 */
rncl_status rncl_training_open_store(rncl_training *training);
/* Whether a run that is resumed has results of its own, and is not told to tune again. */
bool rncl_training_has_tuning(const rncl_options *options);
/* Copies the store's results for this network into the run folder. */
rncl_status rncl_training_keep_tuning(rncl_training *training);

/* Makes training->loader, which begins behind training->state. */
rncl_status rncl_training_open_loader(rncl_training *training);

/* Opens training->metrics, and training->events where the options ask for them, for what comes after
 * training->state.step; what tells of later steps goes, as after a return to an earlier step. */
rncl_status rncl_training_open_records(rncl_training *training);
void rncl_training_close_records(rncl_training *training);

/* The loop: trains, evaluates and saves to the end, and by time where no checkpoints are asked for.
 * RNCL_ERR_INTERRUPTED when the listener asks for a stop, after saving; RNCL_ERR_DIVERGED when a loss or an
 * output is not finite, with the files as they were, unless the run goes back. */
rncl_status rncl_training_run(rncl_training *training);

/* Writes model.safetensors, last.ckpt and, where the weights are the best so far, best.safetensors. No step
 * may be outstanding. RNCL_ERR_DIVERGED instead of writing anything that is not finite. */
rncl_status rncl_training_save(rncl_training *training);

/* After a `failure` of several ranks: rank 0 saves what there was before the step that failed, or what there
 * is where none did, if the failure has left it whole and is no wrong result, and says so. Returns `failure`.
 */
rncl_status rncl_training_save_after_failure(rncl_training *training, rncl_status failure);

/* Back to the run folder's checkpoint `name`: state, device and loader. Outstanding steps are dropped. */
rncl_status rncl_training_rewind(rncl_training *training, const char *name);

/* The parts of a step and of an evaluation that leave no trace outside of the network. */
rncl_status rncl_training_enqueue(rncl_training *training);
rncl_status rncl_training_enqueue_at(rncl_training *training,
                                     float lr); /* at another rate than the schedule's */
rncl_status rncl_training_measure(rncl_training *training, rncl_evaluation *result);
bool rncl_training_stopped(const rncl_training *training); /* a listener of any rank asks for it */

/* What this rank alone would do. */
bool rncl_training_asked_to_stop(const rncl_training *training);
bool rncl_training_out_of_own_time(const rncl_training *training);
bool rncl_training_wants_to_save(const rncl_training *training); /* by time */

/* After RNCL_ERR_DIVERGED, whose message is the last: returns it again, its message with the first layer and
 * pass whose results are not finite, if that is found within a minute; ranks do not look for it. The run
 * cannot go on afterwards unless it goes back; its files are as they were. */
rncl_status rncl_training_explain(rncl_training *training);

/* Whether a checkpoint of this state is one to go back to: it is there in every run of the same options. */
bool rncl_training_at_rollback_point(const rncl_training *training);

/* After RNCL_ERR_DIVERGED, whose message is the last: where the options ask for it and it has not happened
 * too often, RNCL_OK, with the run back at its last checkpoint of that kind and half the learning rate, and
 * saved so. Otherwise RNCL_ERR_DIVERGED again. */
rncl_status rncl_training_roll_back(rncl_training *training);

#endif
