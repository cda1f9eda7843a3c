/* Stochastic gradient descent: one launch for any stretch of the parameter vector. */
#ifndef RNCL_OPS_SGD_H
#define RNCL_OPS_SGD_H

#include "op.h"

typedef struct rncl_sgd rncl_sgd;

/* `count`: floats in the parameter vector, which may include padding. Their problem for tuning is that of
 * RNCL_OP_sgd with n = count. */
rncl_status rncl_sgd_create(rncl_context *context, size_t count, const rncl_tuned *tuned, rncl_sgd **out);
void rncl_sgd_destroy(rncl_sgd *sgd);
bool rncl_sgd_tuned(const rncl_sgd *sgd);

typedef struct rncl_sgd_step {
    float lr, momentum, weight_decay;
    cl_mem gradient, velocity, weight;
    size_t first, count; /* of the floats to update; multiples of 16, or up to the end of the vector */
} rncl_sgd_step;

rncl_status rncl_sgd_enqueue(rncl_sgd *sgd, const rncl_sgd_step *step);

#endif
