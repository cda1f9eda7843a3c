/* Memory, programs and steps of a network. Two queues: uploads run beside the computation, into the one of
 * two input buffers that the device is not reading. */
#include "network.h"

#include <stdio.h>
#include <stdlib.h>

#include "cl_error.h"
#include "network_plan.h"
#include "parameters.h"
#include "profile.h"
#include "softmax.h"
#include "util.h"

enum { MAX_OUTSTANDING = 2 };

/* A node with its memory. */
typedef struct bound_node {
    rncl_op_buffers buffers;
    bool reads_image;
    char forward_label[80], backward_label[80]; /* for profiles */
} bound_node;

/* What a batch leaves behind until it is collected. */
typedef struct batch_slot {
    cl_mem labels, losses, ranks, logits; /* no logits unless the setup asks for them */
    float *host_losses, *host_logits;
    int32_t *host_ranks;
    cl_event done;
} batch_slot;

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

    rncl_softmax *softmax;
};

const rncl_network_facts *rncl_network_facts_of(const rncl_network *network)
{
    return &network->facts;
}

/* ---- building ---- */

static rncl_status allocate_arena(rncl_network *net)
{
    const rncl_network_plan *plan = &net->plan;
    for (size_t i = 0; i < plan->memory.block_count; i++)
        RNCL_TRY(rncl_buffer_create(net->context, plan->memory.block_bytes[i], &net->blocks[i]));
    RNCL_TRY(rncl_buffer_create(net->context, MAX(plan->workspace_bytes, sizeof(float)), &net->workspace));
    net->slices = calloc(plan->request_count + 1, sizeof(cl_mem));
    if (!net->slices)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu buffers", plan->request_count);
    for (size_t i = 0; i < plan->request_count; i++) {
        const rncl_memory_request *request = &plan->requests[i];
        RNCL_TRY(rncl_buffer_slice(net->blocks[request->block], request->offset_bytes, request->size_bytes,
                                   &net->slices[i]));
    }
    return RNCL_OK;
}

static size_t logits_bytes(const rncl_network *net, int pictures)
{
    return (size_t)pictures * (size_t)net->setup.graph->options.classes * sizeof(float);
}

static rncl_status allocate_logits(rncl_network *net, batch_slot *slot)
{
    const size_t bytes = logits_bytes(net, net->setup.batch_size);
    RNCL_TRY(rncl_buffer_create(net->context, bytes, &slot->logits));
    slot->host_logits = malloc(bytes);
    return slot->host_logits ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of logits", bytes);
}

static rncl_status allocate_batches(rncl_network *net)
{
    cl_int error;
    net->uploads = clCreateCommandQueue(net->context->context, net->context->device, 0, &error);
    RNCL_TRY(rncl_cl_status(error, "clCreateCommandQueue for uploads"));
    for (size_t i = 0; i < COUNT(net->inputs); i++)
        RNCL_TRY(rncl_buffer_create(net->context, net->plan.input_bytes, &net->inputs[i]));
    size_t batch = (size_t)net->setup.batch_size;
    for (size_t i = 0; i < COUNT(net->slots); i++) {
        batch_slot *slot = &net->slots[i];
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(cl_int), &slot->labels));
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(float), &slot->losses));
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(cl_int), &slot->ranks));
        slot->host_losses = calloc(batch, sizeof(float));
        slot->host_ranks = calloc(batch, sizeof(int32_t));
        if (!slot->host_losses || !slot->host_ranks)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "results of %zu pictures", batch);
        if (net->setup.logits)
            RNCL_TRY(allocate_logits(net, slot));
    }
    return RNCL_OK;
}

static cl_mem slice_of(const rncl_network *net, int request)
{
    return request == RNCL_NO_REQUEST ? NULL : net->slices[request];
}

static cl_mem element(const cl_mem *slices, int index)
{
    return index < 0 ? NULL : slices[index];
}

static rncl_status bind_nodes(rncl_network *net)
{
    const rncl_network_plan *plan = &net->plan;
    const rncl_graph *graph = plan->graph;
    net->nodes = calloc(graph->node_count, sizeof *net->nodes);
    if (!net->nodes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu nodes", graph->node_count);
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        bound_node *bound = &net->nodes[i];
        bound->reads_image = node->input == 0;
        bound->buffers = (rncl_op_buffers){
            .x = slice_of(net, plan->activation[node->input]),
            .y = slice_of(net, plan->activation[node->output]),
            .dx = slice_of(net, plan->gradient[node->input]),
            .dy = slice_of(net, plan->gradient[node->output]),
            .weight = element(net->parameters.param_slices, node->weight),
            .bias = element(net->parameters.param_slices, node->bias),
            .dweight = element(net->parameters.gradient_slices, node->weight),
            .dbias = element(net->parameters.gradient_slices, node->bias),
            .running_mean = element(net->parameters.mean_slices, node->running),
            .running_variance = element(net->parameters.variance_slices, node->running),
            .saved = slice_of(net, plan->saved[i]),
            .packed = slice_of(net, plan->packed[i]),
            .workspace = net->workspace,
        };
        if (node->residual >= 0) {
            bound->buffers.residual = slice_of(net, plan->activation[node->residual]);
            bound->buffers.dresidual = slice_of(net, plan->gradient[node->residual]);
        }
        snprintf(bound->forward_label, sizeof bound->forward_label, "%s forward", node->name);
        snprintf(bound->backward_label, sizeof bound->backward_label, "%s backward", node->name);
    }
    net->logits = net->nodes[graph->node_count - 1].buffers.y;
    net->dlogits = net->nodes[graph->node_count - 1].buffers.dy;
    return RNCL_OK;
}

static rncl_status build(rncl_network *net)
{
    const rncl_graph *graph = net->plan.graph;
    for (size_t i = 0; i < graph->node_count; i++)
        RNCL_TRY(rncl_op_build(net->plan.ops[i]));
    const rncl_softmax_shape loss = {net->plan.micro_batch, graph->options.classes};
    return rncl_softmax_create(net->context, &loss, &net->softmax);
}

rncl_status rncl_network_create(rncl_context *context, const rncl_network_setup *setup, rncl_network **out)
{
    *out = NULL;
    rncl_network *net = calloc(1, sizeof *net);
    if (!net)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "network");
    net->context = context;
    net->setup = *setup;
    rncl_status st = rncl_network_plan_create(context, setup, &net->plan);
    if (st)
        goto fail;
    net->facts = (rncl_network_facts){
        .batch_size = setup->batch_size,
        .micro_batch = net->plan.micro_batch,
        .device_bytes = net->plan.total_bytes,
        .largest_bytes = net->plan.largest_bytes,
    };
    for (size_t i = 0; i < setup->graph->node_count; i++) {
        net->facts.problems += net->plan.ops[i]->problems;
        net->facts.tuned += net->plan.ops[i]->tuned;
    }
    if ((st = allocate_arena(net)) || (st = rncl_parameters_init(context, setup, &net->parameters)) ||
        (st = allocate_batches(net)) || (st = bind_nodes(net)) || (st = build(net)))
        goto fail;
    *out = net;
    return RNCL_OK;
fail:
    rncl_network_destroy(net);
    return st;
}

static void release_slot(batch_slot *slot)
{
    if (slot->done)
        clReleaseEvent(slot->done);
    rncl_buffer_release(slot->labels);
    rncl_buffer_release(slot->losses);
    rncl_buffer_release(slot->ranks);
    rncl_buffer_release(slot->logits);
    free(slot->host_losses);
    free(slot->host_logits);
    free(slot->host_ranks);
}

void rncl_network_destroy(rncl_network *net)
{
    if (!net)
        return;
    rncl_context_finish(net->context);
    rncl_softmax_destroy(net->softmax);
    free(net->nodes);
    for (size_t i = 0; net->slices && i < net->plan.request_count; i++)
        rncl_buffer_release(net->slices[i]);
    free(net->slices);
    rncl_parameters_fini(&net->parameters);
    rncl_network_plan_fini(&net->plan); /* operations hold slices of the workspace */
    cl_mem const buffers[] = {net->workspace, net->inputs[0], net->inputs[1]};
    for (size_t i = 0; i < COUNT(buffers); i++)
        rncl_buffer_release(buffers[i]);
    for (size_t i = 0; i < COUNT(net->input_free); i++)
        if (net->input_free[i])
            clReleaseEvent(net->input_free[i]);
    for (size_t i = 0; i < COUNT(net->slots); i++)
        release_slot(&net->slots[i]);
    for (size_t i = 0; i < COUNT(net->blocks); i++)
        rncl_buffer_release(net->blocks[i]);
    if (net->uploads)
        clReleaseCommandQueue(net->uploads);
    free(net);
}

/* ---- parameters ---- */

static rncl_status prepare_weights(rncl_network *net)
{
    if (net->context->profile)
        net->context->profile->label = "pack";
    for (size_t i = 0; i < net->plan.graph->node_count; i++)
        RNCL_TRY(rncl_op_prepare(net->plan.ops[i], &net->nodes[i].buffers));
    return RNCL_OK;
}

rncl_status rncl_network_write(rncl_network *net, const rncl_network_vectors *from)
{
    RNCL_TRY(rncl_parameters_write(&net->parameters, from));
    return prepare_weights(net);
}

rncl_status rncl_network_read(rncl_network *net, const rncl_network_vectors *to)
{
    return rncl_parameters_read(&net->parameters, to);
}

rncl_status rncl_network_exchange_averages(rncl_network *net)
{
    RNCL_TRY(rncl_parameters_exchange(&net->parameters));
    return prepare_weights(net);
}

/* ---- steps ---- */

/* Sends one micro-batch to the input that is not in use; what is enqueued afterwards on the main queue sees
 * it. */
static rncl_status upload_images(rncl_network *net, const float *images, unsigned input)
{
    cl_event *idle = &net->input_free[input], uploaded = NULL;
    cl_int error = clEnqueueWriteBuffer(net->uploads, net->inputs[input], CL_FALSE, 0, net->plan.input_bytes,
                                        images, *idle ? 1 : 0, *idle ? idle : NULL, &uploaded);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueWriteBuffer of a micro-batch"));
    if (*idle)
        clReleaseEvent(*idle);
    *idle = NULL;
    clFlush(net->uploads);
    error = clEnqueueBarrierWithWaitList(net->context->queue, 1, &uploaded, NULL);
    clReleaseEvent(uploaded);
    return rncl_cl_status(error, "clEnqueueBarrierWithWaitList");
}

static rncl_status input_is_free(rncl_network *net, unsigned input)
{
    return rncl_cl_status(clEnqueueMarkerWithWaitList(net->context->queue, 0, NULL, &net->input_free[input]),
                          "clEnqueueMarkerWithWaitList");
}

static rncl_op_buffers buffers_with_input(const bound_node *node, cl_mem input)
{
    rncl_op_buffers buffers = node->buffers;
    if (node->reads_image)
        buffers.x = input;
    return buffers;
}

static rncl_status forward(rncl_network *net, cl_mem input, bool training)
{
    for (size_t i = 0; i < net->plan.graph->node_count; i++) {
        if (net->context->profile)
            net->context->profile->label = net->nodes[i].forward_label;
        rncl_op_buffers buffers = buffers_with_input(&net->nodes[i], input);
        RNCL_TRY(rncl_op_forward(net->plan.ops[i], &buffers, training ? RNCL_OP_TRAINING : 0));
    }
    return RNCL_OK;
}

static rncl_status backward(rncl_network *net, cl_mem input, bool accumulate)
{
    for (size_t i = net->plan.graph->node_count; i-- > 0;) {
        if (net->context->profile)
            net->context->profile->label = net->nodes[i].backward_label;
        unsigned flags = (net->plan.accumulate_dx[i] ? RNCL_OP_ACCUMULATE_DX : 0u) |
                         (accumulate ? RNCL_OP_ACCUMULATE_PARAMS : 0u);
        rncl_op_buffers buffers = buffers_with_input(&net->nodes[i], input);
        RNCL_TRY(rncl_op_backward(net->plan.ops[i], &buffers, flags));
    }
    return RNCL_OK;
}

static rncl_status loss(rncl_network *net, const batch_slot *slot, int first, bool training)
{
    if (net->context->profile)
        net->context->profile->label = "loss";
    const rncl_softmax_buffers buffers = {
        .logits = net->logits,
        .labels = slot->labels,
        .losses = slot->losses,
        .ranks = slot->ranks,
        .dlogits = net->dlogits,
        .first = first,
        .smoothing = training ? net->setup.label_smoothing : 0.0f,
        .scale = 1.0f / (float)net->setup.batch_size,
    };
    return rncl_softmax_enqueue(net->softmax, &buffers);
}

/* Keeps a micro-batch's logits before the next one overwrites them. */
static rncl_status keep_logits(rncl_network *net, const batch_slot *slot, int first)
{
    if (!slot->logits)
        return RNCL_OK;
    return rncl_cl_status(clEnqueueCopyBuffer(net->context->queue, net->logits, slot->logits, 0,
                                              logits_bytes(net, first),
                                              logits_bytes(net, net->plan.micro_batch), 0, NULL, NULL),
                          "clEnqueueCopyBuffer of the logits");
}

static rncl_status read_results(rncl_network *net, batch_slot *slot)
{
    cl_command_queue queue = net->context->queue;
    size_t batch = (size_t)net->setup.batch_size;
    cl_int error = clEnqueueReadBuffer(queue, slot->losses, CL_FALSE, 0, batch * sizeof(float),
                                       slot->host_losses, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer of the losses"));
    if (slot->logits) {
        error =
            clEnqueueReadBuffer(queue, slot->logits, CL_FALSE, 0, logits_bytes(net, net->setup.batch_size),
                                slot->host_logits, 0, NULL, NULL);
        RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer of the logits"));
    }
    error = clEnqueueReadBuffer(queue, slot->ranks, CL_FALSE, 0, batch * sizeof(cl_int), slot->host_ranks, 0,
                                NULL, &slot->done);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer of the ranks"));
    return rncl_cl_status(clFlush(queue), "clFlush");
}

static rncl_status submit(rncl_network *net, const float *images, const int32_t *labels,
                          const rncl_update_rule *rule)
{
    if (net->submitted - net->collected == MAX_OUTSTANDING)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "a third batch before the first was collected");
    batch_slot *slot = &net->slots[net->submitted % MAX_OUTSTANDING];
    const rncl_graph *graph = net->plan.graph;
    int batch = net->setup.batch_size, micro = net->plan.micro_batch;
    size_t image_floats = rncl_shape_count(graph->tensors[0]);
    cl_int error = clEnqueueWriteBuffer(net->context->queue, slot->labels, CL_FALSE, 0,
                                        (size_t)batch * sizeof(cl_int), labels, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueWriteBuffer of the labels"));
    for (int first = 0; first < batch; first += micro) {
        unsigned input = net->next_input++ % COUNT(net->inputs);
        RNCL_TRY(upload_images(net, images + (size_t)first * image_floats, input));
        RNCL_TRY(forward(net, net->inputs[input], rule != NULL));
        RNCL_TRY(loss(net, slot, first, rule != NULL));
        RNCL_TRY(keep_logits(net, slot, first));
        if (rule)
            RNCL_TRY(backward(net, net->inputs[input], first > 0));
        RNCL_TRY(input_is_free(net, input));
    }
    if (rule) {
        if (net->context->profile)
            net->context->profile->label = "update";
        RNCL_TRY(rncl_parameters_update(&net->parameters, rule));
        RNCL_TRY(prepare_weights(net));
    }
    RNCL_TRY(read_results(net, slot));
    net->submitted++;
    return RNCL_OK;
}

rncl_status rncl_network_train(rncl_network *net, const float *images, const int32_t *labels,
                               const rncl_update_rule *rule)
{
    return submit(net, images, labels, rule);
}

rncl_status rncl_network_evaluate(rncl_network *net, const float *images, const int32_t *labels)
{
    return submit(net, images, labels, NULL);
}

rncl_status rncl_network_collect(rncl_network *net, rncl_batch_result *result)
{
    *result = (rncl_batch_result){0};
    if (net->submitted == net->collected)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "no batch to collect");
    batch_slot *slot = &net->slots[net->collected++ % MAX_OUTSTANDING];
    cl_int error = clWaitForEvents(1, &slot->done);
    clReleaseEvent(slot->done);
    slot->done = NULL;
    RNCL_TRY(rncl_cl_status(error, "waiting for a batch"));
    result->logits = slot->host_logits;
    for (int i = 0; i < net->setup.batch_size; i++) {
        int rank = slot->host_ranks[i];
        result->loss += (double)slot->host_losses[i];
        result->count += rank >= 0;
        result->top1 += rank == 0;
        result->top5 += rank >= 0 && rank < 5;
    }
    return RNCL_OK;
}
