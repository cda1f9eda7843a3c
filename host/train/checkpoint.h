/* last.ckpt: all that resuming needs, in one file that is there whole or not at all. */
#ifndef RNCL_TRAIN_CHECKPOINT_H
#define RNCL_TRAIN_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "network.h"
#include "schedule.h"
#include "status.h"

/* Where a run stands. Only 64-bit fields: it is in checkpoints byte for byte. */
typedef struct rncl_run_state {
    int64_t step;            /* done */
    int64_t evaluated_step;  /* after which the last evaluation was; -1 before the first */
    int64_t batches_tracked; /* by the running statistics */
    rncl_plateau plateau;
    struct {
        double loss, weight;
        int64_t count, top1;
    } sums;                              /* over training pictures since the last evaluation that was due */
    double val_loss, val_top1, val_top5; /* of the last evaluation */
    double best_top1;                    /* -1 before the first */
    double seconds;                      /* of training, over all processes */
    int64_t rollbacks; /* so many times the run went back after it had diverged, with half the rate */
    rncl_loss_scale loss_scale; /* where the loss is scaled; the last member, which files of version 3 lack */
} rncl_run_state;

enum { RNCL_MOST_ROLLBACKS = 3 };

rncl_run_state rncl_run_state_start(void);

/* What a run is trained and validated on, in numbers. Only 64-bit fields, as above. */
typedef struct rncl_run_data {
    uint64_t class_count, class_names; /* class_names, training and validation: digests (digest.h) */
    uint64_t training_count, training;
    uint64_t validation_count, validation;
} rncl_run_data;

/* Rounding errors of gradients that are compressed on their way between ranks. A file holds those of all
 * ranks, or none. */
typedef struct rncl_checkpoint_errors {
    float *values; /* [ranks][param_floats] */
    size_t ranks;
    size_t found; /* load: of so many ranks the file has them; only if these are `ranks`, values are filled */
} rncl_checkpoint_errors;

/* What belongs to which run: files of another `fingerprint`, and of other data, are refused. */
typedef struct rncl_checkpoint {
    const char *path;
    uint64_t fingerprint;
    rncl_run_data data;
    bool any_data; /* load: also a file of other data */
    size_t param_floats, state_floats;
    bool averaged;                  /* it holds averages */
    rncl_checkpoint_errors *errors; /* NULL: none are saved, and those in a file are left there */
} rncl_checkpoint;

/* RNCL_ERR_IO if it cannot be written; the old one is then as it was. All vectors are needed, averages where
 * it holds any. */
rncl_status rncl_checkpoint_save(const rncl_checkpoint *checkpoint, const rncl_run_state *state,
                                 const rncl_network_vectors *vectors);

/* RNCL_ERR_MODEL for a file that is missing, not a checkpoint, of another version of rncl, cut off, damaged,
 * another run's, or of other data (the message says what differs), or has no averages or has some where it
 * should not; nothing is changed then. */
rncl_status rncl_checkpoint_load(const rncl_checkpoint *checkpoint, rncl_run_state *state,
                                 const rncl_network_vectors *vectors);

/* Where the run whose checkpoint is at `path` stood when it was saved, and on what data, without reading the
 * vectors or verifying the whole file. RNCL_ERR_MODEL for a file that is missing or not a checkpoint of this
 * version. */
rncl_status rncl_checkpoint_peek(const char *path, rncl_run_state *state, rncl_run_data *data);

#endif
