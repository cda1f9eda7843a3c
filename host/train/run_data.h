/* What a run remembers of its data. */
#ifndef RNCL_TRAIN_RUN_DATA_H
#define RNCL_TRAIN_RUN_DATA_H

#include "checkpoint.h"
#include "inputs.h"

/* Of both parts. */
rncl_run_data rncl_run_data_of(const rncl_inputs *inputs);

#endif
