/* One setting of a problem, compiled and bound to a trial's tensors. */
#ifndef RNCL_TUNE_TRIAL_CANDIDATE_H
#define RNCL_TUNE_TRIAL_CANDIDATE_H

#include "problem.h"
#include "trial_tensors.h"

typedef struct rncl_candidate {
    rncl_context *context;
    rncl_problem problem;
    rncl_op *op; /* nothing but the problem's pass of it */
    rncl_op_buffers buffers;
    const rncl_trial_step *step; /* in place of `op`; NULL: it is one */
    void *subject;
    cl_mem slots[RNCL_TRIAL_SLOT_COUNT];
} rncl_candidate;

/* `setting` NULL: the presets. RNCL_ERR_USAGE if it is not possible. Release with fini in any case. */
rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_trial_operation *operation,
                                const rncl_problem *problem, const rncl_setting *setting,
                                rncl_candidate *out);
void rncl_candidate_fini(rncl_candidate *c);

/* From here on it does what training does: of an identity shortcut the gradient is dy, masked in place. */
void rncl_candidate_share_gradient(rncl_candidate *c);

/* One stretch of calls, each with the packing of the weights; *time_ns is that of one. Returns when all are
 * done. */
rncl_status rncl_candidate_run(rncl_candidate *c, unsigned calls, uint64_t *time_ns);

#endif
