/* A trained network's answers for single pictures: the predictor of include/rncl/predictor.h with the device
 * of a caller. */
#ifndef RNCL_TRAIN_PREDICT_H
#define RNCL_TRAIN_PREDICT_H

#include "context.h"
#include "options.h"
#include "rncl/rncl.h"

/* A predictor for options->model on a device that is the caller's and outlives it. */
rncl_status rncl_predictor_open(rncl_context *context, const rncl_options *options, rncl_predictor **out);

#endif
