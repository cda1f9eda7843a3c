/* A training as the command line runs it. */
#ifndef RNCL_CLI_TRAIN_ONCE_H
#define RNCL_CLI_TRAIN_ONCE_H

#include "console.h"

typedef struct rncl_trained_once {
    rncl_train_result result;
    double first_step_seconds;
    int64_t first_step; /* of this process */
    bool evaluated;     /* at least once in this process */
} rncl_trained_once;

/* From now on INT and its like ask trainings to stop, and end the process the second time. Once a process. */
rncl_status rncl_train_once_catch(void);

/* Opens the device and trains, with `ranks` others or alone (NULL), or looks for a learning rate, alone;
 * progress on standard error. Status and files as those of rncl_train. */
rncl_status rncl_train_once(rncl_options *options, rncl_ranks *ranks, rncl_trained_once *out);

#endif
