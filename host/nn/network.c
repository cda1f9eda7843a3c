/* A network's memory and programs. */
#include "network_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "epilogues.h"
#include "host_memory.h"
#include "profile.h"
#include "util.h"

rncl_context *rncl_network_context(const rncl_network *network)
{
    return network->context;
}

const rncl_network_facts *rncl_network_facts_of(const rncl_network *network)
{
    return &network->facts;
}

size_t rncl_network_logits_bytes(const rncl_network *net, int pictures)
{
    return (size_t)pictures * (size_t)net->setup.graph->options.classes * sizeof(float);
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

static rncl_status allocate_logits(rncl_network *net, batch_slot *slot)
{
    const size_t bytes = rncl_network_logits_bytes(net, net->setup.batch_size);
    RNCL_TRY(rncl_buffer_create(net->context, bytes, &slot->logits));
    slot->host_logits = rncl_host_memory_create_results(net->context, bytes);
    return slot->host_logits ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of logits", bytes);
}

static rncl_status allocate_images(rncl_network *net, batch_slot *slot)
{
    const size_t count = (size_t)net->setup.batch_size * rncl_shape_count(net->setup.graph->tensors[0]);
    if (net->plan.value_bytes[0] == sizeof(float))
        return RNCL_OK;
    slot->host_images = rncl_host_memory_create(net->context, count * sizeof *slot->host_images);
    return slot->host_images ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%zu values of pictures", count);
}

static rncl_status allocate_batches(rncl_network *net)
{
    cl_int error;
    net->uploads = clCreateCommandQueue(net->context->context, net->context->device, 0, &error);
    RNCL_TRY(rncl_cl_status(error, "clCreateCommandQueue", "the uploads on %s", net->context->info.name));
    for (size_t i = 0; i < COUNT(net->inputs); i++)
        RNCL_TRY(rncl_buffer_create(net->context, net->plan.input_bytes, &net->inputs[i]));
    size_t batch = (size_t)net->setup.batch_size;
    for (size_t i = 0; i < COUNT(net->slots); i++) {
        batch_slot *slot = &net->slots[i];
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(cl_int), &slot->labels));
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(float), &slot->losses));
        RNCL_TRY(rncl_buffer_create(net->context, batch * sizeof(cl_int), &slot->ranks));
        slot->host_losses = rncl_host_memory_create_results(net->context, batch * sizeof(float));
        slot->host_ranks = rncl_host_memory_create_results(net->context, batch * sizeof(int32_t));
        if (!slot->host_losses || !slot->host_ranks)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "results of %zu pictures", batch);
        if (net->setup.logits)
            RNCL_TRY(allocate_logits(net, slot));
        RNCL_TRY(allocate_images(net, slot));
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

/* Of a batch normalisation, and of the convolution behind it that leaves them. */
static void bind_gradient_sums(const rncl_network *net, size_t i, rncl_op_buffers *b)
{
    const rncl_network_plan *plan = &net->plan;
    const rncl_node *node = &plan->graph->nodes[i];
    if (node->op.kind == RNCL_OP_batchnorm)
        b->gradient_sums = slice_of(net, plan->gradient_sums[node->output]);
    if (!plan->ops[i]->needs.gradient_parts)
        return;
    const int before = plan->producer[node->input];
    const rncl_node *other = &plan->graph->nodes[before];
    b->gradient_sums = slice_of(net, plan->gradient_sums[node->input]);
    b->before_x = slice_of(net, plan->activation[other->input]);
    b->before_saved = slice_of(net, plan->saved[before]);
    b->before_weight = element(net->parameters.param_slices, other->weight);
    b->before_bias = element(net->parameters.param_slices, other->bias);
}

static rncl_status bind_nodes(rncl_network *net)
{
    const rncl_network_plan *plan = &net->plan;
    const rncl_graph *graph = plan->graph;
    net->nodes = calloc(graph->node_count, sizeof *net->nodes);
    if (!net->nodes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu nodes", graph->node_count);
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i], *end = rncl_epilogue_end(plan, i);
        const int partner = plan->partner[i];
        bound_node *bound = &net->nodes[i];
        bound->idle = !end;
        bound->reads_image = node->input == 0;
        bound->buffers = (rncl_op_buffers){
            .x = slice_of(net, plan->activation[node->input]),
            .y = end ? slice_of(net, plan->activation[end->output]) : NULL,
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
            .statistics = slice_of(
                net, plan->statistics[node->op.kind == RNCL_OP_batchnorm ? node->input : node->output]),
            .coefficients = slice_of(net, plan->coefficients[partner > (int)i ? (size_t)partner : i]),
            .workspace = net->workspace,
        };
        bind_gradient_sums(net, i, &bound->buffers);
        if (end && end->residual >= 0)
            bound->buffers.residual = slice_of(net, plan->activation[end->residual]);
        if (node->residual >= 0)
            bound->buffers.dresidual = slice_of(net, plan->gradient[node->residual]);
        snprintf(bound->forward_label, sizeof bound->forward_label, "%s forward", node->name);
        snprintf(bound->backward_label, sizeof bound->backward_label, "%s backward", node->name);
    }
    net->logits = net->nodes[graph->node_count - 1].buffers.y;
    net->dlogits = net->nodes[graph->node_count - 1].buffers.dy;
    return RNCL_OK;
}

static rncl_status keep_class_weights(rncl_network *net)
{
    const float *weights = net->setup.class_weights;
    const size_t bytes = (size_t)net->setup.graph->options.classes * sizeof *weights;
    if (!weights)
        return RNCL_OK;
    net->setup.class_weights = net->host_class_weights = malloc(bytes);
    if (!net->host_class_weights)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of class weights", bytes);
    memcpy(net->host_class_weights, weights, bytes);
    RNCL_TRY(rncl_buffer_create(net->context, bytes, &net->class_weights));
    return rncl_buffer_write(net->context, net->class_weights, 0, bytes, weights);
}

static rncl_status make_buckets(rncl_network *net)
{
    if (!net->setup.training || !net->setup.others.sum)
        return RNCL_OK;
    return rncl_gradient_buckets_init(&net->parameters, net->uploads, net->setup.others.bucket_floats,
                                      &net->buckets);
}

rncl_op_desc rncl_network_loss_op(const rncl_graph *graph, int micro_batch)
{
    return (rncl_op_desc){.kind = RNCL_OP_softmax,
                          .softmax = {.n = micro_batch, .k = graph->options.classes}};
}

rncl_op_desc rncl_network_mixup_op(const rncl_graph *graph, int micro_batch)
{
    return (rncl_op_desc){.kind = RNCL_OP_mixup,
                          .mixup = {.n = micro_batch, .floats = (int)rncl_shape_count(graph->tensors[0])}};
}

static rncl_status create_op(rncl_network *net, const rncl_op_desc *desc, rncl_op **out)
{
    const rncl_op_choice choice = {.algorithm = net->setup.algorithm, .tuned = net->setup.tuned};
    RNCL_TRY(rncl_op_create(net->context, desc, &choice, out));
    return rncl_op_build(*out);
}

static rncl_status build(rncl_network *net)
{
    const rncl_graph *graph = net->plan.graph;
    const rncl_op_desc loss = rncl_network_loss_op(graph, net->plan.micro_batch),
                       mixup = rncl_network_mixup_op(graph, net->plan.micro_batch);
    for (size_t i = 0; i < graph->node_count; i++) {
        rncl_log_line(&net->context->log, RNCL_LOG_PROGRESS, "compiling kernels: layer %zu of %zu, %s", i + 1,
                      graph->node_count, graph->nodes[i].name);
        RNCL_TRY(rncl_op_build(net->plan.ops[i]));
        RNCL_TRY(rncl_op_bind(net->plan.ops[i], net->workspace));
    }
    RNCL_TRY(create_op(net, &loss, &net->softmax));
    return net->setup.mixup ? create_op(net, &mixup, &net->mixup) : RNCL_OK;
}

/* Passes that can be tuned, and those of them that are. */
static void count_tuned(rncl_network_facts *facts, const rncl_op *op)
{
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
        const bool tunable = rncl_op_wants(op, pass) && rncl_pass_is_tunable(&op->passes[pass]);
        facts->problems += tunable;
        facts->tuned += tunable && op->passes[pass].tuned;
    }
}

const rncl_op *rncl_network_op(const rncl_network *net, size_t index)
{
    const rncl_op *others[] = {net->softmax,        net->mixup,
                               net->parameters.sgd, net->parameters.unscale,
                               net->parameters.ema, net->parameters.state_ema};
    const size_t nodes = net->setup.graph->node_count;
    if (index < nodes)
        return net->plan.ops[index];
    for (size_t i = 0; i < COUNT(others); i++)
        if (others[i] && index-- == nodes)
            return others[i];
    return NULL;
}

static void count_problems(rncl_network *net)
{
    const rncl_op *op;
    for (size_t i = 0; (op = rncl_network_op(net, i)); i++)
        count_tuned(&net->facts, op);
}

int rncl_network_smaller(const rncl_context *context, int batch_size, int micro_batch)
{
    int smaller = micro_batch / 2;
    while (smaller > 0 && batch_size % smaller)
        smaller--;
    if (smaller)
        rncl_log_line(&context->log, RNCL_LOG_WARNING, "%s; going on with micro-batches of %d, not %d",
                      rncl_status_message(), smaller, micro_batch);
    return smaller;
}

/* *micro_batch: the planned one; 0 if there is no plan. */
static rncl_status create(rncl_context *context, const rncl_network_setup *setup, rncl_network **out,
                          int *micro_batch)
{
    *out = NULL;
    *micro_batch = 0;
    rncl_network *net = calloc(1, sizeof *net);
    if (!net)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "network");
    net->context = context;
    net->setup = *setup;
    net->scales_loss = rncl_parameters_scale_loss(context, setup);
    net->loss_scale = net->scales_loss ? rncl_loss_scale_start() : (rncl_loss_scale){.scale = 1};
    rncl_status st = rncl_network_plan_create(context, setup, &net->plan);
    if (st)
        goto fail;
    *micro_batch = net->plan.micro_batch;
    net->facts = (rncl_network_facts){
        .batch_size = setup->batch_size,
        .micro_batch = net->plan.micro_batch,
        .device_bytes = net->plan.total_bytes,
        .largest_bytes = net->plan.largest_bytes,
    };
    if (setup->planned)
        setup->planned(setup->user, &net->facts);
    if ((st = allocate_arena(net)) || (st = rncl_parameters_init(context, setup, &net->parameters)) ||
        (st = allocate_batches(net)) || (st = keep_class_weights(net)) || (st = make_buckets(net)) ||
        (st = bind_nodes(net)) || (st = build(net)))
        goto fail;
    count_problems(net);
    *out = net;
    return RNCL_OK;
fail:
    rncl_network_destroy(net);
    return st;
}

rncl_status rncl_network_create(rncl_context *context, const rncl_network_setup *setup, rncl_network **out)
{
    rncl_network_setup smaller = *setup;
    for (;;) {
        int micro_batch;
        const size_t work_group = context->info.max_work_group_size;
        const rncl_status st = create(context, &smaller, out, &micro_batch);
        if (st && context->info.max_work_group_size < work_group) {
            rncl_log_line(&context->log, RNCL_LOG_DETAIL, "%s; planning anew", rncl_status_message());
            continue;
        }
        if (st != RNCL_ERR_DEVICE_MEMORY || micro_batch == 0)
            return st;
        smaller.micro_batch = rncl_network_smaller(context, setup->batch_size, micro_batch);
        if (!smaller.micro_batch)
            return st;
    }
}

static void release_slot(rncl_context *context, batch_slot *slot)
{
    if (slot->done)
        clReleaseEvent(slot->done);
    rncl_buffer_release(slot->labels);
    rncl_buffer_release(slot->losses);
    rncl_buffer_release(slot->ranks);
    rncl_buffer_release(slot->logits);
    rncl_host_memory_destroy(context, slot->host_losses);
    rncl_host_memory_destroy(context, slot->host_logits);
    rncl_host_memory_destroy(context, slot->host_images);
    rncl_host_memory_destroy(context, slot->host_ranks);
}

/* Both queues are flushed first, since each may wait for the other. */
void rncl_network_wait(rncl_network *net)
{
    clFlush(net->context->queue);
    if (net->uploads) {
        clFlush(net->uploads);
        clFinish(net->uploads);
    }
    clFinish(net->context->queue);
}

void rncl_network_destroy(rncl_network *net)
{
    if (!net)
        return;
    rncl_network_wait(net);
    rncl_op_destroy(net->softmax);
    rncl_op_destroy(net->mixup);
    free(net->host_class_weights);
    rncl_gradient_buckets_fini(&net->buckets);
    free(net->nodes);
    for (size_t i = 0; net->slices && i < net->plan.request_count; i++)
        rncl_buffer_release(net->slices[i]);
    free(net->slices);
    rncl_parameters_fini(&net->parameters);
    rncl_network_plan_fini(&net->plan); /* operations hold slices of the workspace */
    cl_mem const buffers[] = {net->workspace, net->class_weights, net->inputs[0], net->inputs[1]};
    for (size_t i = 0; i < COUNT(buffers); i++)
        rncl_buffer_release(buffers[i]);
    for (size_t i = 0; i < COUNT(net->input_free); i++)
        if (net->input_free[i])
            clReleaseEvent(net->input_free[i]);
    for (size_t i = 0; i < COUNT(net->slots); i++)
        release_slot(net->context, &net->slots[i]);
    for (size_t i = 0; i < COUNT(net->blocks); i++)
        rncl_buffer_release(net->blocks[i]);
    if (net->uploads)
        clReleaseCommandQueue(net->uploads);
    free(net);
}

/* ---- parameters ---- */

static void read_loss_scale(const rncl_network *net, const rncl_network_vectors *to)
{
    if (net->scales_loss && to->loss_scale)
        *to->loss_scale = net->loss_scale;
}

rncl_status rncl_network_prepare(rncl_network *net)
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
    if (net->scales_loss && from->loss_scale)
        net->loss_scale = *from->loss_scale;
    net->stage = RNCL_STAGE_BETWEEN;
    net->exchanged = false;
    return rncl_network_prepare(net);
}

rncl_status rncl_network_read(rncl_network *net, const rncl_network_vectors *to)
{
    read_loss_scale(net, to);
    return rncl_parameters_read(&net->parameters, to);
}

rncl_status rncl_network_read_before(rncl_network *net, const rncl_network_vectors *to)
{
    if (net->exchanged)
        RNCL_TRY(rncl_network_exchange_averages(net));
    read_loss_scale(net, to);
    if (net->stage == RNCL_STAGE_BETWEEN)
        return rncl_parameters_read(&net->parameters, to);
    if (net->stage == RNCL_STAGE_CHANGING || !net->buckets.count)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "a step has been half taken");
    return rncl_parameters_read_before(&net->parameters, to);
}

rncl_status rncl_network_exchange_averages(rncl_network *net)
{
    net->stage = RNCL_STAGE_CHANGING;
    RNCL_TRY(rncl_parameters_exchange(&net->parameters));
    RNCL_TRY(rncl_network_prepare(net));
    net->stage = RNCL_STAGE_BETWEEN;
    net->exchanged = !net->exchanged;
    return RNCL_OK;
}
