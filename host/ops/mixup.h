/* Mixup of pictures (Zhang et al. 2018): each is mixed with the one at the other end of its batch. */
#ifndef RNCL_OPS_MIXUP_H
#define RNCL_OPS_MIXUP_H

#include "context.h"
#include "status.h"

typedef struct rncl_mixup rncl_mixup;

/* For batches of n pictures of `floats` values each. RNCL_ERR_SHAPE if there are none, or too many for a
 * kernel to count. */
rncl_status rncl_mixup_create(rncl_context *context, int n, size_t floats, rncl_mixup **out);
void rncl_mixup_destroy(rncl_mixup *mixup);

/* x [n][floats], in place: x[i] = (1 - mix) x[i] + mix x[n - 1 - i]. */
rncl_status rncl_mixup_enqueue(rncl_mixup *mixup, float mix, cl_mem x);

#endif
