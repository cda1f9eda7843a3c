/** @file
 * Training: what it reports, and a trainer that the caller steps. */
#ifndef RNCL_TRAINER_H
#define RNCL_TRAINER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rncl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest text that an option takes, with its terminating zero, in bytes. */
enum { RNCL_TEXT_LENGTH = 512 };

/** A set of options, a log, and image sets; see rncl.h. */
typedef struct rncl_session rncl_session;

/** How far training is. */
typedef struct rncl_progress {
    int64_t step;              /**< steps done, from the very beginning of the run */
    int64_t steps;             /**< steps of the whole run */
    double epoch;              /**< step, in passes over the training images */
    double epochs;             /**< steps, likewise */
    double loss;               /**< mean over the batch of the last step */
    double top1;               /**< percent of that batch */
    float lr;                  /**< learning rate of the last step */
    double images_per_second;  /**< of training so far, without evaluations; 0 before the second step */
    double seconds;            /**< since the start, in this process */
    double seconds_left;       /**< expected; NaN before it can be known */
    double waiting;            /**< share of the time that the device waited for data, 0 to 1 */
    bool evaluated;            /**< an evaluation has just ended; its results follow */
    double val_loss;           /**< mean, of the last evaluation */
    double val_top1;           /**< percent, of the last evaluation */
    double val_top5;           /**< percent, of the last evaluation */
    double first_step_seconds; /**< from the start to the end of the first step; 0 before */
} rncl_progress;

/** Watches rncl_session_train and may stop it. */
typedef struct rncl_train_listener {
    /** Called after every step and every evaluation, on the thread that trains; NULL: not called. */
    void (*progress)(void *user, const rncl_progress *progress);
    void *user;                        /**< handed to `progress` as it is */
    const volatile sig_atomic_t *stop; /**< non-zero: save and end with RNCL_ERR_INTERRUPTED; NULL: never */
} rncl_train_listener;

/** What a training has come to. */
typedef struct rncl_train_result {
    char run[RNCL_TEXT_LENGTH]; /**< the run folder */
    int64_t steps;              /**< done, of the whole run */
    double seconds;             /**< of training, in this process */
    double images_per_second;   /**< without evaluations and the first step; 0 if there was no other */
    double waiting;             /**< share of the time that the device waited for data */
    double val_loss;            /**< mean, of the last evaluation */
    double val_top1;            /**< percent, of the last evaluation */
    double val_top5;            /**< percent, of the last evaluation */
    double best_top1;           /**< percent, of the best evaluation; -1: there was none */
} rncl_train_result;

/** A model measured on images with labels. */
typedef struct rncl_evaluation {
    int64_t images;           /**< evaluated */
    int64_t not_finite;       /**< images for which an output was NaN or infinite; they count as wrong */
    double loss;              /**< mean; NaN if not_finite is not 0 */
    double top1;              /**< percent whose most probable class is the label */
    double top5;              /**< percent whose label is among the five most probable classes */
    double images_per_second; /**< reading included */
} rncl_evaluation;

/** A training whose loop is the caller's. It has a device, a run folder and the options that the session had
 * when the trainer was created; afterwards session and trainer are independent of each other. One thread uses
 * a trainer at a time; different trainers are independent.
 *
 * rncl_session_train is this loop, and besides it saves by time (option `checkpoint-every`), looks for the
 * layer where a divergence began, and goes back behind it if it is asked to (option `on-divergence`):
 * @code
 * while (!rncl_trainer_finished(t)) {
 *     rncl_trainer_step(t, rncl_trainer_steps_ahead(t), NULL);
 *     if (rncl_trainer_evaluation_due(t))
 *         rncl_trainer_evaluate(t, &evaluation);
 *     rncl_trainer_save(t);
 * }
 * @endcode */
typedef struct rncl_trainer rncl_trainer;

/** Opens device, data and run folder, compiles the network, and sets its first weights: random ones, those of
 * option `init`, or, with option `resume`, the state that rncl_trainer_save or an interrupted training has
 * left in a run folder. A resumed run goes on as if it had not been interrupted, to the last bit.
 * Image sets of the session must outlive the trainer. *out is NULL on failure. */
RNCL_API rncl_status rncl_trainer_create(const rncl_session *session, rncl_trainer **out);
RNCL_API void rncl_trainer_destroy(rncl_trainer *trainer); /**< takes NULL; does not save */

/** Takes `count` training steps, fewer where the run ends before. Batches are prepared and uploaded while the
 * device computes, and the next step of the same call is enqueued before the last has ended: one call of many
 * steps is faster than many calls of one. All of them are done when the call returns. `progress`, which may
 * be NULL, is filled in after the last step.
 * RNCL_ERR_DIVERGED when a loss is not finite; the files of the run are then as they were. */
RNCL_API rncl_status rncl_trainer_step(rncl_trainer *trainer, int64_t count, rncl_progress *progress);

/** Steps to where the options ask for an evaluation or a checkpoint, or to the end of the run; 0 if an
 * evaluation is due now or the run has ended. */
RNCL_API int64_t rncl_trainer_steps_ahead(const rncl_trainer *trainer);

/** Whether the options (`eval-every`, the end of the run, `time-limit`) ask for an evaluation now. */
RNCL_API bool rncl_trainer_evaluation_due(const rncl_trainer *trainer);

/** Whether all steps have been taken, `time-limit` is over or `early-stop` has been met, and no evaluation is
 * due. */
RNCL_API bool rncl_trainer_finished(const rncl_trainer *trainer);

/** Evaluates the weights, or their averages (option `ema`), on the validation images, and adds a row to
 * metrics.csv. Allowed at any time; the schedule `plateau` and `early-stop` count only evaluations that are
 * due. RNCL_ERR_DIVERGED if outputs are not finite; *result then says of how many images, and the evaluation
 * counts for nothing else. */
RNCL_API rncl_status rncl_trainer_evaluate(rncl_trainer *trainer, rncl_evaluation *result);

/** Writes model.safetensors and last.ckpt into the run folder, and best.safetensors if the last evaluation
 * was the best so far. RNCL_ERR_DIVERGED, with nothing written, if weights are not finite. */
RNCL_API rncl_status rncl_trainer_save(rncl_trainer *trainer);

/** What the training has come to so far. */
RNCL_API void rncl_trainer_result(const rncl_trainer *trainer, rncl_train_result *result);

/** A learnt tensor, or a running statistic of a batch normalisation. */
typedef struct rncl_parameter {
    char name[96];  /**< as in model files, "layer1.0.conv1.weight" */
    int rank;       /**< 1 to 4 */
    size_t dims[4]; /**< convolutions: out, in, height, width; linear layers: out, in; others: channels */
    size_t count;   /**< of floats: the product of the dims */
} rncl_parameter;

/** How many parameters there are, running statistics included. */
RNCL_API size_t rncl_trainer_parameter_count(const rncl_trainer *trainer);

/** What the parameter with number `index` (from 0) is: names and shapes are those of the model files.
 * RNCL_ERR_USAGE for an index out of range. */
RNCL_API rncl_status rncl_trainer_parameter(const rncl_trainer *trainer, size_t index, rncl_parameter *out);

/** Copies the parameter of this name into `values`: [dims[0]]...[dims[rank - 1]] without gaps, as model files
 * have it. `count` is the size of `values` in floats and must be the parameter's. The value is the one that
 * is trained, not its average (option `ema`). RNCL_ERR_USAGE for a name that the network does not have,
 * naming the nearest one, and for another count. */
RNCL_API rncl_status rncl_trainer_read(rncl_trainer *trainer, const char *name, float *values, size_t count);

/** The reverse of rncl_trainer_read. Averages (option `ema`) and the momentum are not written: averages
 * follow in later steps. Fails as rncl_trainer_read. */
RNCL_API rncl_status rncl_trainer_write(rncl_trainer *trainer, const char *name, const float *values,
                                        size_t count);

#ifdef __cplusplus
}
#endif

#endif
