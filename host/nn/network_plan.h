/* What a graph needs on a device at some micro-batch: planned operations, and buffers by lifetime. Pure
 * planning: nothing is compiled or allocated. */
#ifndef RNCL_NN_NETWORK_PLAN_H
#define RNCL_NN_NETWORK_PLAN_H

#include "memory_plan.h"
#include "network.h"

/* Index of a memory request, or RNCL_NO_REQUEST. Time runs from 0 (the first node's forward) over node_count
 * (the loss) to 2 * node_count (the first node's backward). */
enum { RNCL_NO_REQUEST = -1 };

typedef struct rncl_network_plan {
    const rncl_graph *graph;
    int micro_batch;
    rncl_op **ops;       /* of each node */
    bool *learns;        /* of each tensor: it depends on parameters that are trained, so it has a gradient */
    bool *accumulate_dx; /* of each node: its dx adds to what a later node has written */
    int *saved, *packed; /* of each node: requests */
    int *partner; /* of each node: of a convolution the batch normalisation in its epilogue, and the other
                     way round; -1: none */
    int *coefficients; /* of each node: request, of a batch normalisation in an epilogue */
    int *producer;     /* of each tensor: the node; -1 for the image */
    int *statistics; /* of each tensor: request for those that its producer leaves for batch normalisation */
    int *gradient_sums; /* of each tensor: request for the sums that its first reader leaves for its producer,
                           a batch normalisation */
    size_t *value_bytes; /* of each tensor: of one of its values, and of one of its gradient */
    int *activation;     /* of each tensor: request; the image has none */
    int *gradient;       /* of each tensor: request; none for the image, nor without training */
    rncl_memory_request *requests;
    size_t request_count;
    rncl_memory_plan memory;
    size_t workspace_bytes;
    size_t input_bytes; /* one micro-batch of images */
    size_t total_bytes; /* everything that the network will allocate */
    size_t largest_bytes;
} rncl_network_plan;

/* Plans at setup->micro_batch, or at the largest divisor of batch_size that fits into the device.
 * RNCL_ERR_DEVICE_MEMORY if none does. */
rncl_status rncl_network_plan_create(rncl_context *context, const rncl_network_setup *setup,
                                     rncl_network_plan *out);
void rncl_network_plan_fini(rncl_network_plan *plan);

#endif
