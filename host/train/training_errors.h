/* What compression of gradients has rounded off and the next step adds again (--grad-compression bf16): each
 * rank has its own. Collective, as training_ranks.h is; nothing where gradients are not compressed. */
#ifndef RNCL_TRAIN_TRAINING_ERRORS_H
#define RNCL_TRAIN_TRAINING_ERRORS_H

#include "training.h"

/* Zeros: on rank 0 for all ranks, on others for itself. */
rncl_status rncl_training_allocate_errors(rncl_training *training);

/* Everybody's on rank 0, for a checkpoint; and on every rank its own, of a checkpoint that rank 0 has loaded.
 * Those of another number of ranks are of no use: they begin at zero, and a line says so. */
rncl_status rncl_training_bring_errors(rncl_training *training);
rncl_status rncl_training_deal_errors(rncl_training *training);

/* Zeros again; alone among these not collective. */
void rncl_training_forget_errors(rncl_training *training);

#endif
