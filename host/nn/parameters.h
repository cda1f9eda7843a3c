/* What a network has learnt, as vectors on the device, and how a step changes them. */
#ifndef RNCL_NN_PARAMETERS_H
#define RNCL_NN_PARAMETERS_H

#include "network.h"

/* A contiguous part of the parameter vector, in floats. */
typedef struct rncl_parameter_range {
    size_t first, count;
} rncl_parameter_range;

typedef struct rncl_parameters {
    rncl_context *context;
    const rncl_graph *graph;
    cl_mem params, state;
    cl_mem state_before;                    /* of the last step that was begun; NULL without others */
    cl_mem gradients, velocity;             /* NULL without training */
    cl_mem average, average_state;          /* of params and state; NULL unless the setup asks for them */
    cl_mem *param_slices, *gradient_slices; /* of each parameter */
    cl_mem *mean_slices, *variance_slices;  /* of each running statistic */
    rncl_op *sgd;                           /* NULL without training */
    rncl_parameter_range *trained;          /* the parts of the vector that are not frozen */
    size_t trained_count;
    rncl_op *ema, *state_ema; /* of params and state */
    rncl_op *unscale;         /* NULL unless the loss is scaled; as is the next */
    cl_mem overflows;
    int32_t *host_overflows;
} rncl_parameters;

/* The operation `kind` (SGD or EMA) on a vector of so many floats; planning refuses what kernels cannot
 * count. */
rncl_op_desc rncl_parameters_op(rncl_op_kind kind, size_t floats);

/* Device memory that they will take, in all. */
size_t rncl_parameters_bytes(const rncl_context *context, const rncl_network_setup *setup);

/* Whether a network trains on a scaled loss: where gradients are stored as half. */
bool rncl_parameters_scale_loss(const rncl_context *context, const rncl_network_setup *setup);

/* Allocates and compiles what `setup` needs. On failure the caller still calls rncl_parameters_fini. */
rncl_status rncl_parameters_init(rncl_context *context, const rncl_network_setup *setup,
                                 rncl_parameters *out);
void rncl_parameters_fini(rncl_parameters *parameters); /* takes half-built and zeroed ones */

/* As rncl_network_write and rncl_network_read. */
rncl_status rncl_parameters_write(rncl_parameters *parameters, const rncl_network_vectors *from);
rncl_status rncl_parameters_read(rncl_parameters *parameters, const rncl_network_vectors *to);

/* Copies the running statistics before a step changes them: enqueues; nothing without others. The second
 * reads with them instead of those there are. */
rncl_status rncl_parameters_keep_state(rncl_parameters *parameters);
rncl_status rncl_parameters_read_before(rncl_parameters *parameters, const rncl_network_vectors *to);

/* Divides the gradients by the loss's scale, and waits. *finite: whether all were. */
rncl_status rncl_parameters_unscale(rncl_parameters *parameters, double scale, bool *finite);

/* Enqueue: one step from the gradients; params and state change places with their averages. */
rncl_status rncl_parameters_update(rncl_parameters *parameters, const rncl_update_rule *rule,
                                   const rncl_pass_observer *observer);
rncl_status rncl_parameters_exchange(rncl_parameters *parameters);

#endif
