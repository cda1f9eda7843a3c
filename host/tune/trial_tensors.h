/* The tensors of a trial, on the host and on the device. */
#ifndef RNCL_TUNE_TRIAL_TENSORS_H
#define RNCL_TUNE_TRIAL_TENSORS_H

#include "spec.h"

typedef struct rncl_trial_tensor {
    size_t size_bytes; /* on the host; 0: the shape does not have it, or the pass does not use it */
    cl_mem buffer;
    void *values; /* on the host; NULL once they are not needed there */
} rncl_trial_tensor;

typedef struct rncl_trial_tensors {
    rncl_context *context;
    rncl_trial_tensor slots[RNCL_SLOTS];
    unsigned elements; /* slots of which the device has elements of 2 bytes where the host has floats */
} rncl_trial_tensors;

/* Allocates these slots of the case, on host and device. Release with fini in any case. */
rncl_status rncl_trial_tensors_init(rncl_context *context, const rncl_spec_case *c, unsigned slots,
                                    rncl_trial_tensors *out);
void rncl_trial_tensors_fini(rncl_trial_tensors *tensors);

/* Copies all of a slot; does nothing if the slot is empty. What the device rounds is rounded on the host,
 * too.
 */
rncl_status rncl_trial_upload(rncl_trial_tensors *tensors, rncl_slot slot);
rncl_status rncl_trial_download(rncl_trial_tensors *tensors, rncl_slot slot);

#endif
