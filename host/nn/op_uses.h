/* Which operations a network is made of. */
#ifndef RNCL_NN_OP_USES_H
#define RNCL_NN_OP_USES_H

#include "network.h"

/* One pass of an operation at one shape, and how many times a step has it. */
typedef struct rncl_op_use {
    rncl_op_desc desc;
    int pass;
    int count;
} rncl_op_use;

/* Plans the network, allocating and compiling nothing; each pass that can be tuned once, in the order of the
 * graph, then what follows it. The caller frees *uses. */
rncl_status rncl_op_uses(rncl_context *context, const rncl_network_setup *setup, rncl_op_use **uses,
                         size_t *count);

#endif
