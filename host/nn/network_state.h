/* What a network consists of: network.c builds it, network_step.c runs batches through it. */
#ifndef RNCL_NN_NETWORK_STATE_H
#define RNCL_NN_NETWORK_STATE_H

#include "gradient_buckets.h"
#include "network_plan.h"
#include "parameters.h"

enum { MAX_OUTSTANDING = 2 };

/* A node with its memory. */
typedef struct bound_node {
    rncl_op_buffers buffers;
    bool reads_image;
    bool idle;                                  /* a batch normalisation in an epilogue */
    char forward_label[80], backward_label[80]; /* for profiles */
} bound_node;

/* What a batch leaves behind until it is collected. */
typedef struct batch_slot {
    cl_mem labels, losses, ranks, logits; /* no logits unless the setup asks for them */
    float *host_losses, *host_logits;
    uint16_t *host_images; /* as elements of 2 bytes; NULL: they are uploaded as the caller has them */
    int32_t *host_ranks;
    double weight; /* of the batch's labels */
    cl_event done; /* all that the batch has made the device do */
    bool is_joined;
    rncl_batch_result joined;      /* everybody's results, which come before the update */
    bool is_skipped, is_too_large; /* as in rncl_batch_result */
    double loss_scale;
} batch_slot;

/* How far the step under way has come. */
typedef enum rncl_network_stage {
    RNCL_STAGE_BETWEEN, /* none is */
    RNCL_STAGE_BEGUN,   /* what there was before can be read, where there are others */
    RNCL_STAGE_CHANGING /* vectors are partly new */
} rncl_network_stage;

struct rncl_network {
    rncl_context *context;
    rncl_network_setup setup;
    rncl_network_plan plan;
    rncl_network_facts facts;

    cl_mem blocks[RNCL_MEMORY_MAX_BLOCKS];
    cl_mem *slices; /* of each memory request */
    cl_mem workspace;
    rncl_parameters parameters;
    bound_node *nodes;
    cl_mem logits, dlogits;

    cl_command_queue uploads;
    cl_mem inputs[2];
    cl_event input_free[2]; /* the last reader of that input is done */
    unsigned next_input;

    batch_slot slots[MAX_OUTSTANDING];
    unsigned submitted, collected; /* batches so far */
    rncl_pass_observer observer;

    rncl_op *softmax;
    cl_mem class_weights; /* NULL: none */
    float *host_class_weights;
    rncl_op *mixup; /* NULL: not asked for */

    bool scales_loss; /* in training, to loss_scale */
    rncl_loss_scale loss_scale;

    rncl_gradient_buckets buckets; /* on their way to others; zero: there are none */
    rncl_network_stage stage;
    bool exchanged; /* parameters and averages have changed places */
};

/* The operations behind the nodes, on a micro-batch. */
rncl_op_desc rncl_network_loss_op(const rncl_graph *graph, int micro_batch);
rncl_op_desc rncl_network_mixup_op(const rncl_graph *graph, int micro_batch);

/* Until nothing that was enqueued is left; failures are of no interest any more. */
void rncl_network_wait(rncl_network *network);

size_t rncl_network_logits_bytes(const rncl_network *network, int pictures);

/* Packs the weights as the operations want them; to be called whenever they have changed. Enqueues. */
rncl_status rncl_network_prepare(rncl_network *network);

#endif
