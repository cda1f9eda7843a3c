/* What a trial's result must be: single values of a convolution, in double precision. The whole reference
 * would take longer than the tuning. */
#ifndef RNCL_TUNE_TRIAL_REFERENCE_H
#define RNCL_TUNE_TRIAL_REFERENCE_H

#include "problem.h"

/* The tensors of a convolution; in the backward passes x and y, or filter, are their gradients. */
typedef enum rncl_trial_tensor {
    RNCL_TRIAL_X,
    RNCL_TRIAL_FILTER,
    RNCL_TRIAL_Y,
    RNCL_TRIAL_TENSORS
} rncl_trial_tensor;

/* Which of them a pass computes. */
rncl_trial_tensor rncl_trial_result(rncl_conv_pass pass);

/* Values of each. */
void rncl_trial_sizes(const rncl_problem *problem, size_t floats[RNCL_TRIAL_TENSORS]);

/* Products that a value of the result is the sum of, at most. */
double rncl_trial_length(const rncl_problem *problem);

/* Value `at` of the result from the other two tensors. */
double rncl_trial_exact(const rncl_problem *problem, float *const *tensors, size_t at);

#endif
