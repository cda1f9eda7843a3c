/* Which convolutions a network is made of. */
#ifndef RNCL_NN_CONV_USES_H
#define RNCL_NN_CONV_USES_H

#include "conv.h"
#include "network.h"

/* One pass at one shape, and how many times a step has it. */
typedef struct rncl_conv_use {
    rncl_conv_shape shape;
    rncl_conv_pass pass;
    int count;
} rncl_conv_use;

/* Plans the network, allocating and compiling nothing; each use once, in the order of the graph. The caller
 * frees *uses. */
rncl_status rncl_conv_uses(rncl_context *context, const rncl_network_setup *setup, rncl_conv_use **uses,
                           size_t *count);

#endif
