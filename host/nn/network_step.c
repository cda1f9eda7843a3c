/* A batch on its way through a network. Two queues: uploads run beside the computation, into the one of
 * two input buffers that the device is not reading. */
#include "cl_error.h"
#include "host_memory.h"
#include "network_state.h"
#include "profile.h"
#include "util.h"

/* Sends one micro-batch to the input that is not in use; what is enqueued afterwards on the main queue sees
 * it. */
static rncl_status upload_images(rncl_network *net, const void *images, unsigned input)
{
    cl_event *idle = &net->input_free[input], uploaded = NULL;
    if (*idle) /* a queue may wait only for what another has been made to send to the device */
        clFlush(net->context->queue);
    cl_int error = clEnqueueWriteBuffer(net->uploads, net->inputs[input], CL_FALSE, 0, net->plan.input_bytes,
                                        images, *idle ? 1 : 0, *idle ? idle : NULL, &uploaded);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueWriteBuffer", "the pictures of a micro-batch"));
    if (*idle)
        clReleaseEvent(*idle);
    *idle = NULL;
    clFlush(net->uploads);
    error = clEnqueueBarrierWithWaitList(net->context->queue, 1, &uploaded, NULL);
    clReleaseEvent(uploaded);
    return rncl_cl_status(error, "clEnqueueBarrierWithWaitList", "the upload of a micro-batch");
}

static rncl_status input_is_free(rncl_network *net, unsigned input)
{
    return rncl_cl_status(clEnqueueMarkerWithWaitList(net->context->queue, 0, NULL, &net->input_free[input]),
                          "clEnqueueMarkerWithWaitList", "input buffer %u", input);
}

static rncl_op_buffers buffers_with_input(const bound_node *node, cl_mem input)
{
    rncl_op_buffers buffers = node->buffers;
    if (node->reads_image)
        buffers.x = input;
    return buffers;
}

/* Drivers put off part of compiling until a kernel runs at its sizes. The first batch may take seconds for
 * that: its passes are told one by one, and each is waited for before the next is told. */
static rncl_status tell_first_batch(const rncl_network *net, const char *label, size_t pass)
{
    if (net->submitted > 0)
        return RNCL_OK;
    RNCL_TRY(rncl_context_finish(net->context));
    rncl_log_line(&net->context->log, RNCL_LOG_PROGRESS, "first batch, still compiling: pass %zu of %zu, %s",
                  pass, 2 * net->plan.graph->node_count, label);
    return RNCL_OK;
}

void rncl_network_observe(rncl_network *net, rncl_pass_observer observer)
{
    net->observer = observer;
}

/* A pass on the micro-batch that begins at picture `first`. */
static rncl_status run_pass(const rncl_network *net, int first, rncl_pass_at at)
{
    at.turn = first / net->plan.micro_batch;
    at.turns = net->setup.batch_size / net->plan.micro_batch;
    return rncl_pass_enqueue_observed(&net->observer, &at);
}

static rncl_status run_node(const rncl_network *net, int first, size_t node, int pass,
                            const rncl_op_buffers *buffers, const rncl_op_scalars *scalars)
{
    return run_pass(net, first,
                    (rncl_pass_at){.op = net->plan.ops[node],
                                   .pass = pass,
                                   .name = net->plan.graph->nodes[node].name,
                                   .buffers = buffers,
                                   .scalars = scalars});
}

static rncl_status forward(rncl_network *net, int first, cl_mem input, bool training)
{
    const rncl_op_scalars scalars = {.flags = training ? RNCL_OP_TRAINING : 0};
    for (size_t i = 0; i < net->plan.graph->node_count; i++) {
        if (net->nodes[i].idle)
            continue;
        if (net->context->profile)
            net->context->profile->label = net->nodes[i].forward_label;
        RNCL_TRY(tell_first_batch(net, net->nodes[i].forward_label, i + 1));
        rncl_op_buffers buffers = buffers_with_input(&net->nodes[i], input);
        RNCL_TRY(run_node(net, first, i, RNCL_OP_FORWARD, &buffers, &scalars));
    }
    return RNCL_OK;
}

static rncl_status backward(rncl_network *net, int first, cl_mem input)
{
    const bool sums = net->buckets.count > 0 && first + net->plan.micro_batch == net->setup.batch_size;
    for (size_t i = net->plan.graph->node_count; i-- > 0;) {
        if (!net->plan.learns[net->plan.graph->nodes[i].output])
            continue;
        if (net->context->profile)
            net->context->profile->label = net->nodes[i].backward_label;
        RNCL_TRY(tell_first_batch(net, net->nodes[i].backward_label, 2 * net->plan.graph->node_count - i));
        const rncl_op_scalars scalars = {.flags = (net->plan.accumulate_dx[i] ? RNCL_OP_ACCUMULATE_DX : 0u) |
                                                  (first > 0 ? RNCL_OP_ACCUMULATE_PARAMS : 0u)};
        rncl_op_buffers buffers = buffers_with_input(&net->nodes[i], input);
        for (int pass = RNCL_OP_PASSES - 1; pass >= RNCL_OP_BACKWARD; pass--)
            if (rncl_op_runs_backward(net->plan.ops[i], pass, &buffers))
                RNCL_TRY(run_node(net, first, i, pass, &buffers, &scalars));
        if (sums)
            RNCL_TRY(rncl_gradient_buckets_read(&net->buckets, i));
    }
    return RNCL_OK;
}

/* `rule` NULL: an evaluation. The mean is over the whole batch, whatever it is split into. */
static rncl_status loss(rncl_network *net, const batch_slot *slot, int first, const rncl_update_rule *rule)
{
    if (net->context->profile)
        net->context->profile->label = "loss";
    const rncl_op_buffers buffers = {
        .x = net->logits,
        .labels = slot->labels,
        .class_weights = rule ? net->class_weights : NULL,
        .losses = slot->losses,
        .ranks = slot->ranks,
        .dx = net->dlogits,
    };
    const rncl_op_scalars scalars = {
        .first = first,
        .smoothing = rule ? net->setup.label_smoothing : 0.0f,
        .mix = rule ? rule->mixup : 0.0f,
        .scale = (float)((rule ? net->loss_scale.scale : 1) / slot->weight),
    };
    return run_pass(
        net, first,
        (rncl_pass_at){.op = net->softmax, .name = "loss", .buffers = &buffers, .scalars = &scalars});
}

static rncl_status mix_pictures(rncl_network *net, int first, cl_mem images, float mix)
{
    return run_pass(net, first,
                    (rncl_pass_at){.op = net->mixup,
                                   .name = "mixup",
                                   .buffers = &(rncl_op_buffers){.x = images},
                                   .scalars = &(rncl_op_scalars){.mix = mix}});
}

/* Keeps a micro-batch's logits before the next one overwrites them. */
static rncl_status keep_logits(rncl_network *net, const batch_slot *slot, int first)
{
    if (!slot->logits)
        return RNCL_OK;
    return rncl_cl_status(clEnqueueCopyBuffer(net->context->queue, net->logits, slot->logits, 0,
                                              rncl_network_logits_bytes(net, first),
                                              rncl_network_logits_bytes(net, net->plan.micro_batch), 0, NULL,
                                              NULL),
                          "clEnqueueCopyBuffer", "the logits");
}

static rncl_status flush(const rncl_network *net)
{
    return rncl_cl_status(clFlush(net->context->queue), "clFlush", "the queue of %s",
                          net->context->info.name);
}

static rncl_status read_results(rncl_network *net, batch_slot *slot)
{
    cl_command_queue queue = net->context->queue;
    size_t batch = (size_t)net->setup.batch_size;
    cl_int error = clEnqueueReadBuffer(queue, slot->losses, CL_FALSE, 0, batch * sizeof(float),
                                       slot->host_losses, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer", "the losses"));
    if (slot->logits) {
        error = clEnqueueReadBuffer(queue, slot->logits, CL_FALSE, 0,
                                    rncl_network_logits_bytes(net, net->setup.batch_size), slot->host_logits,
                                    0, NULL, NULL);
        RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer", "the logits"));
    }
    error = clEnqueueReadBuffer(queue, slot->ranks, CL_FALSE, 0, batch * sizeof(cl_int), slot->host_ranks, 0,
                                NULL, &slot->done);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer", "the ranks"));
    return flush(net);
}

static rncl_status wait_for(batch_slot *slot)
{
    const cl_int error = clWaitForEvents(1, &slot->done);
    clReleaseEvent(slot->done);
    slot->done = NULL;
    return rncl_cl_status(error, "clWaitForEvents", "the results of a batch");
}

static rncl_status wait_for_results(const rncl_network *net, batch_slot *slot, rncl_batch_result *result)
{
    RNCL_TRY(wait_for(slot));
    result->logits = slot->host_logits;
    result->weight = slot->weight;
    for (int i = 0; i < net->setup.batch_size; i++) {
        const int rank = slot->host_ranks[i];
        result->loss += (double)slot->host_losses[i];
        result->count += rank >= 0;
        result->top1 += rank == 0;
        result->top5 += rank >= 0 && rank < 5;
        result->not_finite += rank == RNCL_RANK_NOT_FINITE;
    }
    return RNCL_OK;
}

/* All that others have to say of a step comes before its update: a step that one of them did not live to
 * finish has not been taken. */
static rncl_status join(rncl_network *net, batch_slot *slot)
{
    const rncl_network_others *others = &net->setup.others;
    slot->joined = (rncl_batch_result){0};
    RNCL_TRY(rncl_gradient_buckets_sum(&net->buckets, others, (float)(1 / net->loss_scale.scale)));
    RNCL_TRY(read_results(net, slot));
    RNCL_TRY(wait_for_results(net, slot, &slot->joined));
    return others->join(others->user, &slot->joined);
}

/* Behind the update, whose observer may have things read into memory of his own. */
static rncl_status end_joined(rncl_network *net, batch_slot *slot)
{
    RNCL_TRY(rncl_cl_status(clEnqueueMarkerWithWaitList(net->context->queue, 0, NULL, &slot->done),
                            "clEnqueueMarkerWithWaitList", "the end of a step"));
    return flush(net);
}

/* What the batch's losses are divided by. Mixed labels are the same ones in another order. */
static double weigh(const rncl_network *net, const int32_t *labels, const float *class_weights)
{
    double sum = 0;
    for (int i = 0; i < net->setup.batch_size; i++)
        if (labels[i] != RNCL_NO_LABEL)
            sum += class_weights ? (double)class_weights[labels[i]] : 1;
    return sum;
}

/* A batch's pictures as the device stores them. Nobody uploads the slot's earlier ones any more: that batch
 * has been collected. */
static const void *images_of(const rncl_network *net, batch_slot *slot, const float *images)
{
    const size_t count = (size_t)net->setup.batch_size * rncl_shape_count(net->plan.graph->tensors[0]);
    if (!slot->host_images)
        return images;
    const rncl_element type = rncl_precision_element(net->context->precision);
    for (size_t i = 0; i < count; i++)
        slot->host_images[i] = rncl_element_of(type, images[i]);
    return slot->host_images;
}

/* One micro-batch of pictures that are in the buffer `input`. */
static rncl_status compute(rncl_network *net, const batch_slot *slot, int first, cl_mem input,
                           const rncl_update_rule *rule)
{
    if (rule && rule->mixup > 0)
        RNCL_TRY(mix_pictures(net, first, input, rule->mixup));
    RNCL_TRY(forward(net, first, input, rule != NULL));
    RNCL_TRY(loss(net, slot, first, rule));
    RNCL_TRY(keep_logits(net, slot, first));
    return rule ? backward(net, first, input) : RNCL_OK;
}

/* Copies one micro-batch after the other, each while the one before is computed. */
static rncl_status compute_copies(rncl_network *net, const batch_slot *slot, const void *images,
                                  const rncl_update_rule *rule)
{
    const char *from = images;
    for (int first = 0; first < net->setup.batch_size; first += net->plan.micro_batch) {
        const unsigned input = net->next_input++ % COUNT(net->inputs);
        RNCL_TRY(upload_images(net, from, input));
        from += net->plan.input_bytes;
        RNCL_TRY(compute(net, slot, first, net->inputs[input], rule));
        RNCL_TRY(input_is_free(net, input));
    }
    return RNCL_OK;
}

/* Reads the memory in place where the device can, and the batch is one micro-batch that nothing
 * overwrites: mixup does. */
static rncl_status compute_batch(rncl_network *net, const batch_slot *slot, const void *images,
                                 const rncl_update_rule *rule)
{
    cl_mem lent = NULL;
    if (net->plan.micro_batch == net->setup.batch_size && !(rule && rule->mixup > 0))
        RNCL_TRY(rncl_host_memory_lend(net->context, images, &lent));
    if (!lent)
        return compute_copies(net, slot, images, rule);
    RNCL_TRY(compute(net, slot, 0, lent, rule));
    return rncl_host_memory_take_back(net->context, images);
}

/* Whether the step is to be taken, which is the same on all networks that train together: their gradients
 * have been added up, and divided by the scale. */
static rncl_status unscale(rncl_network *net, batch_slot *slot)
{
    bool finite = true;
    if (net->scales_loss)
        RNCL_TRY(
            rncl_parameters_unscale(&net->parameters, slot->is_joined ? 1 : net->loss_scale.scale, &finite));
    slot->loss_scale = net->loss_scale.scale;
    slot->is_skipped = !finite;
    slot->is_too_large = net->scales_loss && !rncl_loss_scale_step(&net->loss_scale, finite);
    return RNCL_OK;
}

static rncl_status update(rncl_network *net, batch_slot *slot, const rncl_update_rule *rule)
{
    if (net->context->profile)
        net->context->profile->label = "update";
    RNCL_TRY(unscale(net, slot));
    if (slot->is_skipped)
        return RNCL_OK;
    net->stage = RNCL_STAGE_CHANGING;
    RNCL_TRY(rncl_parameters_update(&net->parameters, rule, &net->observer));
    RNCL_TRY(rncl_network_prepare(net));
    net->stage = RNCL_STAGE_BETWEEN;
    return RNCL_OK;
}

static rncl_status submit(rncl_network *net, const float *images, const int32_t *labels,
                          const rncl_update_rule *rule)
{
    if (net->submitted - net->collected == MAX_OUTSTANDING)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "a third batch before the first was collected");
    batch_slot *slot = &net->slots[net->submitted % MAX_OUTSTANDING];
    cl_int error =
        clEnqueueWriteBuffer(net->context->queue, slot->labels, CL_FALSE, 0,
                             (size_t)net->setup.batch_size * sizeof(cl_int), labels, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueWriteBuffer", "the labels"));
    slot->is_skipped = slot->is_too_large = false;
    slot->weight = weigh(net, labels, rule ? net->setup.class_weights : NULL);
    if (rule && net->setup.others.weigh)
        RNCL_TRY(net->setup.others.weigh(net->setup.others.user, &slot->weight));
    if (rule)
        RNCL_TRY(rncl_parameters_keep_state(&net->parameters));
    net->stage = rule ? RNCL_STAGE_BEGUN : net->stage;
    RNCL_TRY(compute_batch(net, slot, images_of(net, slot, images), rule));
    slot->is_joined = rule && net->buckets.count;
    if (slot->is_joined)
        RNCL_TRY(join(net, slot));
    if (rule)
        RNCL_TRY(update(net, slot, rule));
    RNCL_TRY(slot->is_joined ? end_joined(net, slot) : read_results(net, slot));
    net->submitted++;
    return RNCL_OK;
}

/* Hands on the status of a batch. One that failed half-way may have left commands that read the caller's
 * memory, who takes it for his own again. */
static rncl_status settle(rncl_network *net, rncl_status st)
{
    if (st)
        rncl_network_wait(net);
    return st;
}

rncl_status rncl_network_train(rncl_network *net, const float *images, const int32_t *labels,
                               const rncl_update_rule *rule)
{
    return settle(net, submit(net, images, labels, rule));
}

rncl_status rncl_network_evaluate(rncl_network *net, const float *images, const int32_t *labels)
{
    return settle(net, submit(net, images, labels, NULL));
}

rncl_status rncl_network_collect(rncl_network *net, rncl_batch_result *result)
{
    *result = (rncl_batch_result){0};
    if (net->submitted == net->collected)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "no batch to collect");
    batch_slot *slot = &net->slots[net->collected++ % MAX_OUTSTANDING];
    if (slot->is_joined)
        *result = slot->joined;
    result->skipped = slot->is_skipped;
    result->loss_scale = slot->loss_scale;
    result->too_large = slot->is_too_large;
    return settle(net, slot->is_joined ? wait_for(slot) : wait_for_results(net, slot, result));
}
