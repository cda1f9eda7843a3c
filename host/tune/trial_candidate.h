/* One setting of a problem, compiled and bound to a trial's tensors. */
#ifndef RNCL_TUNE_TRIAL_CANDIDATE_H
#define RNCL_TUNE_TRIAL_CANDIDATE_H

#include "trial_tensors.h"

typedef struct rncl_candidate {
    rncl_context *context;
    rncl_spec_case c;
    rncl_op *op; /* with only the case's pass */
    rncl_op_buffers buffers;
} rncl_candidate;

/* `setting` NULL: the presets. RNCL_ERR_USAGE if the setting is not possible. Release with fini in any
 * case. */
rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_spec_case *c,
                                const rncl_setting *setting, rncl_candidate *out);
void rncl_candidate_fini(rncl_candidate *candidate);

/* From here on an identity shortcut's gradient is dy itself, masked in place, as in training. */
void rncl_candidate_share_gradient(rncl_candidate *candidate);

/* Makes `calls` calls, each with the packing of the weights, and waits for them. *time_ns is the time of
 * one. */
rncl_status rncl_candidate_run(rncl_candidate *candidate, unsigned calls, uint64_t *time_ns);

#endif
