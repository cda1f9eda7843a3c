/* One operation at one shape, run twice on guarded buffers and compared with the reference. */
#ifndef RNCL_CHECK_CHECK_TRIAL_H
#define RNCL_CHECK_CHECK_TRIAL_H

#include "check.h"
#include "tensor.h"
#include "variants.h"

typedef struct check_trial {
    rncl_context *context; /* the caller fills in this and the next five */
    rncl_spec_case c;      /* its pass is the first one, or any if passes are separate */
    const check_variant *variant;
    const char *algorithm; /* NULL where there is no choice */
    rncl_random random;
    rncl_tuned tuned; /* passed to planning; lookup NULL: presets, or random knob values in some trials */

    rncl_setting settings[RNCL_OP_PASSES]; /* drawn ones */
    int phases;
    check_tensor tensors[RNCL_SLOTS];
    rncl_op *op;
} check_trial;

/* Runs the trial and passes each result to `report`. */
rncl_status check_trial_run(check_trial *trial, void (*report)(void *user, const rncl_check_result *result),
                            void *user);

#endif
