/* In an evaluation a convolution does the batch normalisation that follows it, with its addition and ReLU
 * (kernels/conv/epilogue.clh): one pass over memory instead of two. */
#ifndef RNCL_NN_EPILOGUES_H
#define RNCL_NN_EPILOGUES_H

#include "network_plan.h"

/* The choice of epilogue for node i, whose predecessors have been planned; 0: none. */
unsigned rncl_epilogue_of(const rncl_network_plan *plan, size_t i);

/* For a planned node i: plans it anew with an epilogue, if it is a convolution whose algorithm knows one, and
 * the only reader of its result is a batch normalisation that adds nothing, or what is there already. */
rncl_status rncl_epilogue_plan(rncl_context *context, rncl_network_plan *plan, size_t i);

/* The node whose result node i leaves: itself, or the batch normalisation in its epilogue. NULL: none, since
 * node i is in an epilogue. */
const rncl_node *rncl_epilogue_end(const rncl_network_plan *plan, size_t i);

#endif
