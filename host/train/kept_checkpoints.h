/* The checkpoints before the last one: step-STEP.ckpt beside last.ckpt. */
#ifndef RNCL_TRAIN_KEPT_CHECKPOINTS_H
#define RNCL_TRAIN_KEPT_CHECKPOINTS_H

#include <stdint.h>

#include "status.h"

/* Keeps `last`, the checkpoint of `step` that has just been written into `folder`, as step-STEP.ckpt (the
 * same file, where the file system has hard links), and removes all but the `keep` newest of these, and those
 * of later steps, which the run has gone back behind. A checkpoint that cannot be removed stays. */
rncl_status rncl_kept_checkpoints_add(const char *folder, const char *last, int64_t step, int keep);

#endif
