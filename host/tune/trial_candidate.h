/* One setting of a problem, compiled and bound to a trial's tensors. */
#ifndef RNCL_TUNE_TRIAL_CANDIDATE_H
#define RNCL_TUNE_TRIAL_CANDIDATE_H

#include "trial_tensors.h"

typedef struct rncl_candidate {
    rncl_context *context;
    rncl_spec_case c;
    rncl_op *op; /* nothing but the case's pass of it */
    rncl_op_buffers buffers;
} rncl_candidate;

/* `setting` NULL: the presets. RNCL_ERR_USAGE if it is not possible. Release with fini in any case. */
rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_spec_case *c,
                                const rncl_setting *setting, rncl_candidate *out);
void rncl_candidate_fini(rncl_candidate *candidate);

/* From here on it does what training does: of an identity shortcut the gradient is dy, masked in place. */
void rncl_candidate_share_gradient(rncl_candidate *candidate);

/* One stretch of calls, each with the packing of the weights; *time_ns is that of one. Returns when all are
 * done. */
rncl_status rncl_candidate_run(rncl_candidate *candidate, unsigned calls, uint64_t *time_ns);

#endif
