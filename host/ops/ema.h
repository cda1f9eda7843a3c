/* Exponential moving averages of whole vectors: one launch each. */
#ifndef RNCL_OPS_EMA_H
#define RNCL_OPS_EMA_H

#include "context.h"
#include "status.h"

typedef struct rncl_ema rncl_ema;

/* `count`: floats in the vectors. RNCL_ERR_SHAPE if there are none, or more than kernels can count. */
rncl_status rncl_ema_create(rncl_context *context, size_t count, rncl_ema **out);
void rncl_ema_destroy(rncl_ema *ema);

/* average += share (value - average). */
rncl_status rncl_ema_enqueue(rncl_ema *ema, float share, cl_mem value, cl_mem average);

/* value and average change places. */
rncl_status rncl_ema_exchange(rncl_ema *ema, cl_mem value, cl_mem average);

#endif
