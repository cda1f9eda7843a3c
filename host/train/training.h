/* A run in progress: what trainer.c has put together and the loop works on. */
#ifndef RNCL_TRAIN_TRAINING_H
#define RNCL_TRAIN_TRAINING_H

#include "checkpoint.h"
#include "context.h"
#include "inputs.h"
#include "metrics.h"
#include "model.h"
#include "network.h"
#include "options.h"
#include "pace.h"
#include "rncl/rncl.h"
#include "run_folder.h"
#include "schedule.h"
#include "store.h"

typedef struct rncl_training {
    rncl_context *context;
    const rncl_options *options; /* complete */
    const rncl_train_listener *listener;
    rncl_inputs inputs;
    rncl_graph *graph;
    rncl_loader *loader; /* of training batches */
    rncl_store *store;   /* of tuning results */
    rncl_network *network;
    rncl_network_vectors vectors; /* on the host, for files */
    rncl_model_meta meta;         /* its labels are the data set's */
    rncl_schedule schedule;
    float *class_weights; /* NULL: none */
    rncl_run_lock lock;   /* of the run folder */
    rncl_metrics metrics;
    rncl_pace pace;
    uint64_t fingerprint;
    int64_t steps; /* of the whole run */

    rncl_run_state state;   /* of the steps that have been collected */
    int64_t enqueued;       /* steps, with those that have not */
    rncl_batch_result last; /* of the last step that was collected */
    double seconds_before;  /* spent by earlier processes */
    bool improved;          /* the weights are the best so far, and have not been saved as such */
} rncl_training;

/* Allocates and fills training->vectors and training->state, from the checkpoint if the run is resumed. */
rncl_status rncl_training_prepare_weights(rncl_training *training);
void rncl_training_free_weights(rncl_training *training);

/* From training->state to the end: trains, evaluates, saves. RNCL_ERR_INTERRUPTED when the listener says
 * stop, after saving; RNCL_ERR_DIVERGED when a loss is not finite, with the files as they were. */
rncl_status rncl_training_run(rncl_training *training);

/* Writes model.safetensors, last.ckpt and, where the weights are the best so far, best.safetensors. No step
 * may be outstanding. RNCL_ERR_DIVERGED instead of writing anything that is not finite. */
rncl_status rncl_training_save(rncl_training *training);

#endif
