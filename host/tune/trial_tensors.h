/* The tensors of a trial, on the host and on the device. */
#ifndef RNCL_TUNE_TRIAL_TENSORS_H
#define RNCL_TUNE_TRIAL_TENSORS_H

#include "trial_operation.h"

typedef struct rncl_trial_tensor {
    size_t size_bytes; /* 0: the shape at hand has none, or the pass does without */
    cl_mem buffer;
    float *values; /* on the host; NULL where they are not wanted there any more */
} rncl_trial_tensor;

typedef struct rncl_trial_tensors {
    rncl_context *context;
    rncl_trial_tensor slots[RNCL_TRIAL_SLOT_COUNT];
} rncl_trial_tensors;

/* The slots of a mask of RNCL_TRIAL_BIT. */
#define FOR_SLOTS(mask, slot)                                                                                \
    for (rncl_trial_slot slot = 0; slot < RNCL_TRIAL_SLOT_COUNT; slot++)                                     \
        if ((mask)&1u << slot)

/* Takes memory for those slots of the operation, on both sides. Release with fini in any case. */
rncl_status rncl_trial_tensors_init(rncl_context *context, const rncl_trial_operation *operation,
                                    const rncl_op_desc *desc, unsigned slots, rncl_trial_tensors *out);
void rncl_trial_tensors_fini(rncl_trial_tensors *tensors);

/* Copies all of a slot; does nothing where there is none. */
rncl_status rncl_trial_upload(rncl_trial_tensors *tensors, rncl_trial_slot slot);
rncl_status rncl_trial_download(rncl_trial_tensors *tensors, rncl_trial_slot slot);

#endif
