/* What part of a trial's result must be, from the host's reference: the whole of it would take longer than
 * the tuning. */
#ifndef RNCL_TUNE_TRIAL_SLICE_H
#define RNCL_TUNE_TRIAL_SLICE_H

#include "problem.h"
#include "trial_operation.h"

/* The largest error that a value of a result may have. */
double rncl_trial_tolerance(const rncl_trial_operation *operation, const rncl_op_desc *desc,
                            rncl_trial_slot slot);

/* Holds results against the reference. Both are tensors of the whole problem, NULL where the pass or the
 * shape has none. RNCL_ERR_WRONG_RESULT if a value is wrong. */
rncl_status rncl_trial_check_slice(const rncl_trial_operation *operation, const rncl_problem *problem,
                                   const float *const drawn[RNCL_TRIAL_SLOT_COUNT],
                                   const float *const results[RNCL_TRIAL_SLOT_COUNT]);

#endif
