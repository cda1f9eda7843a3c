/* Lifetimes of activations and gradients, and the search for the micro-batch. */
#include "network_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "epilogues.h"
#include "parameters.h"
#include "util.h"

/* A device's memory is also the driver's, the display's and, on a CPU, everybody's. */
static const double usable_share = 0.9;

static rncl_op_desc at_batch(const rncl_op_desc *desc, int n)
{
    rncl_op_desc scaled = *desc;
    scaled.n = n;
    return scaled;
}

static int add_request(rncl_network_plan *plan, size_t size_bytes, int first, int last)
{
    if (size_bytes == 0)
        return RNCL_NO_REQUEST;
    plan->requests[plan->request_count] =
        (rncl_memory_request){.size_bytes = size_bytes, .first = first, .last = last};
    return (int)plan->request_count++;
}

static void keep_until(rncl_network_plan *plan, int request, int time)
{
    if (request != RNCL_NO_REQUEST)
        plan->requests[request].last = MAX(plan->requests[request].last, time);
}

static int backward_time(const rncl_network_plan *plan, size_t node)
{
    return (int)(2 * plan->graph->node_count - node);
}

static size_t tensor_bytes(const rncl_network_plan *plan, int tensor)
{
    return rncl_shape_count(plan->graph->tensors[tensor]) * plan->value_bytes[tensor] *
           (size_t)plan->micro_batch;
}

/* A gradient flows back to wherever something is trained, and no further. */
static void find_learning(rncl_network_plan *plan, bool training)
{
    for (size_t i = 0; training && i < plan->graph->node_count; i++) {
        const rncl_node *node = &plan->graph->nodes[i];
        plan->learns[node->output] = (node->weight >= 0 && !node->frozen) || plan->learns[node->input] ||
                                     (node->residual >= 0 && plan->learns[node->residual]);
    }
}

/* The parts of the statistics that the node before leaves for this one, if that is a batch normalisation that
 * wants any. */
static int given_statistics(const rncl_network_plan *plan, const rncl_network_setup *setup,
                            const rncl_node *node)
{
    if (!setup->training || node->frozen || node->op.kind != RNCL_OP_batchnorm)
        return 0;
    const int before = plan->producer[node->input];
    return before < 0 ? 0 : plan->ops[before]->needs.statistics_parts;
}

/* Whether the node's dx is all of its input's gradient: backward comes to all other readers before. */
static bool completes_gradient(const rncl_network_plan *plan, const rncl_node *node)
{
    const rncl_node *first = plan->graph->nodes;
    while (first->input != node->input)
        first++;
    return first == node && plan->learns[node->input];
}

static bool has_residual(const rncl_op *batchnorm)
{
    return batchnorm->desc.batchnorm.residual != RNCL_RESIDUAL_NONE;
}

/* Values a byte of the signs that a batch normalisation saves; 0: it saves none. */
static int signs_width(const rncl_op *op)
{
    const rncl_batchnorm_shape *s = &op->desc.batchnorm;
    const size_t bytes = op->passes[RNCL_OP_FORWARD].signs_bytes;
    return bytes ? (int)((size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c / bytes) : 0;
}

/* The batch normalisation whose gradient's sums the node may leave; -1: none. A convolution with a stride
 * would have to visit pixels that it adds nothing to. */
static int summed_before(const rncl_network_plan *plan, const rncl_network_setup *setup,
                         const rncl_node *node)
{
    const int before = plan->producer[node->input];
    if (!setup->training || node->op.kind != RNCL_OP_conv || before < 0 || !completes_gradient(plan, node) ||
        (node->op.conv.stride > 1 && rncl_graph_readers(plan->graph, node->input) > 1))
        return -1;
    const rncl_node *other = &plan->graph->nodes[before];
    const bool fits = other->op.kind == RNCL_OP_batchnorm && !other->frozen && other->op.batchnorm.relu;
    return fits ? before : -1;
}

/* Plans a batch normalisation again, for sums that the node behind it leaves. */
static rncl_status take_gradient_sums(rncl_context *context, rncl_network_plan *plan, int before,
                                      const rncl_op_needs *behind)
{
    const rncl_op_desc desc = plan->ops[before]->desc;
    rncl_op_choice choice = plan->ops[before]->choice;
    choice.gradient_parts = behind->gradient_parts;
    choice.given_dz = behind->leaves_dz;
    rncl_op_destroy(plan->ops[before]);
    return rncl_op_create(context, &desc, &choice, &plan->ops[before]);
}

static rncl_moments_join joined_moments(const rncl_network_setup *setup, const rncl_node *node)
{
    const bool joined = setup->training && node->op.kind == RNCL_OP_batchnorm;
    return joined ? setup->others.moments : (rncl_moments_join){0};
}

static rncl_status plan_ops(rncl_context *context, const rncl_network_setup *setup, rncl_network_plan *plan)
{
    for (size_t i = 0; i < plan->graph->node_count; i++) {
        const rncl_node *node = &plan->graph->nodes[i];
        const rncl_op_desc desc = at_batch(&node->op, plan->micro_batch);
        const int before = summed_before(plan, setup, node);
        const rncl_op_choice choice = {
            .algorithm = setup->algorithm,
            .tuned = setup->tuned,
            .exact_only = setup->exact_only,
            .left_out = plan->learns[node->output] ? 0 : ~RNCL_PASS_BIT(RNCL_OP_FORWARD),
            .no_dx = !plan->learns[node->input],
            .frozen = node->frozen,
            .epilogue = rncl_epilogue_of(plan, i),
            .statistics_parts = given_statistics(plan, setup, node),
            .gradient_sums = before >= 0,
            .residual_before = before >= 0 && has_residual(plan->ops[before]),
            .signs_width = before >= 0 ? signs_width(plan->ops[before]) : 0,
            .join = joined_moments(setup, node),
        };
        RNCL_TRY(rncl_op_create(context, &desc, &choice, &plan->ops[i]));
        if (plan->ops[i]->needs.gradient_parts)
            RNCL_TRY(take_gradient_sums(context, plan, before, &plan->ops[i]->needs));
        if (!setup->training)
            RNCL_TRY(rncl_epilogue_plan(context, plan, i));
        plan->producer[node->output] = (int)i;
        plan->workspace_bytes = MAX(plan->workspace_bytes, plan->ops[i]->needs.workspace_bytes);
    }
    return RNCL_OK;
}

static size_t value_bytes(const rncl_op *op, unsigned slot)
{
    const rncl_pass *forward = &op->passes[RNCL_OP_FORWARD];
    return rncl_pass_elements(forward) & slot ? rncl_pass_element_bytes(forward) : sizeof(float);
}

/* How tensors are stored follows from the operations that write them; those that read them must agree. */
static rncl_status find_value_bytes(rncl_network_plan *plan)
{
    const rncl_graph *graph = plan->graph;
    plan->value_bytes[0] = value_bytes(plan->ops[0], RNCL_SLOT_BIT(x));
    for (size_t i = 0; i < graph->node_count; i++)
        plan->value_bytes[graph->nodes[i].output] = value_bytes(plan->ops[i], RNCL_SLOT_BIT(y));
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        const int residual = node->residual;
        if (plan->value_bytes[node->input] != value_bytes(plan->ops[i], RNCL_SLOT_BIT(x)) ||
            (residual >= 0 &&
             plan->value_bytes[residual] != value_bytes(plan->ops[i], RNCL_SLOT_BIT(residual))))
            return RNCL_FAIL(RNCL_ERR_SHAPE,
                             "%s does not read what the layer before it writes, in this "
                             "precision",
                             node->name);
    }
    return RNCL_OK;
}

/* What a node leaves for the batch normalisation behind it. */
static void plan_statistics(rncl_network_plan *plan, size_t i)
{
    const rncl_node *node = &plan->graph->nodes[i];
    const int parts = plan->ops[i]->choice.statistics_parts;
    if (parts)
        plan->statistics[node->input] = add_request(
            plan, rncl_op_statistics_bytes(parts, node->op.batchnorm.c), plan->producer[node->input], (int)i);
}

/* What a node's backward leaves for the batch normalisation before it. */
static void plan_gradient_sums(rncl_network_plan *plan, size_t i)
{
    const rncl_node *node = &plan->graph->nodes[i];
    const int parts = plan->ops[i]->needs.gradient_parts;
    if (parts)
        plan->gradient_sums[node->input] =
            add_request(plan, (size_t)parts * 2 * (size_t)node->op.conv.c * sizeof(float),
                        backward_time(plan, i), backward_time(plan, (size_t)plan->producer[node->input]));
}

/* Activations live from their node to their last reader, where gradients flow also the backward ones. */
static void plan_forward(rncl_network_plan *plan)
{
    int end = 2 * (int)plan->graph->node_count;
    for (size_t i = 0; i < plan->graph->node_count; i++) {
        const rncl_node *node = &plan->graph->nodes[i], *end_node = rncl_epilogue_end(plan, i);
        assert(plan->ops[i]);
        const rncl_op_needs *needs = &plan->ops[i]->needs;
        const bool backward = plan->learns[node->output];
        int now = (int)i, back = backward_time(plan, i);
        plan->packed[i] = add_request(plan, needs->packed_bytes, 0, end);
        plan->coefficients[i] = add_request(plan, needs->coefficients_bytes, 0, end);
        if (!end_node)
            continue;
        plan->activation[end_node->output] =
            add_request(plan, tensor_bytes(plan, end_node->output), now, now);
        plan->saved[i] = add_request(plan, needs->saved_bytes, now, backward ? back : now);
        plan_statistics(plan, i);
        keep_until(plan, plan->activation[node->input], backward && needs->backward_reads_x ? back : now);
        if (end_node->residual >= 0)
            keep_until(plan, plan->activation[end_node->residual], now);
        if (backward && needs->backward_reads_y)
            keep_until(plan, plan->activation[node->output], back);
    }
    /* The logits, for the loss. */
    keep_until(plan, plan->activation[plan->graph->nodes[plan->graph->node_count - 1].output],
               (int)plan->graph->node_count);
}

/* The gradient that a node's backward writes for its residual: where it is a plain addition that is the
 * node's own dy, masked in place, so both share one buffer. */
static void plan_residual_gradient(rncl_network_plan *plan, const rncl_node *node, int now)
{
    assert(plan->gradient[node->residual] ==
           RNCL_NO_REQUEST); /* builders put the addition behind all other readers */
    if (node->op.batchnorm.residual == RNCL_RESIDUAL_ADD)
        plan->gradient[node->residual] = plan->gradient[node->output];
    else if (plan->learns[node->residual])
        plan->gradient[node->residual] = add_request(plan, tensor_bytes(plan, node->residual), now, now);
}

/* Whether the node's dx may take the place of its x: then nobody reads x any more. */
static bool may_replace_input(const rncl_network_plan *plan, size_t i)
{
    const int input = plan->graph->nodes[i].input, before = plan->producer[input];
    return plan->ops[i]->needs.dx_may_be_x && before >= 0 && !plan->ops[before]->needs.backward_reads_y &&
           rncl_graph_readers(plan->graph, input) == 1;
}

static void plan_backward(rncl_network_plan *plan)
{
    size_t count = plan->graph->node_count;
    int logits = plan->graph->nodes[count - 1].output;
    plan->gradient[logits] = add_request(plan, tensor_bytes(plan, logits), (int)count, (int)count);
    for (size_t i = count; i-- > 0;) {
        const rncl_node *node = &plan->graph->nodes[i];
        int now = backward_time(plan, i);
        if (!plan->learns[node->output])
            continue;
        plan_gradient_sums(plan, i);
        keep_until(plan, plan->gradient[node->output], now);
        if (node->residual >= 0)
            plan_residual_gradient(plan, node, now);
        /* Batch normalisation writes dx whether anybody wants it or not. */
        if (!plan->learns[node->input] && node->op.kind != RNCL_OP_batchnorm)
            continue;
        plan->accumulate_dx[i] = plan->gradient[node->input] != RNCL_NO_REQUEST;
        if (!plan->accumulate_dx[i])
            plan->gradient[node->input] = may_replace_input(plan, i)
                                              ? plan->activation[node->input]
                                              : add_request(plan, tensor_bytes(plan, node->input), now, now);
        keep_until(plan, plan->gradient[node->input], now);
    }
}

static void add_up(const rncl_context *context, const rncl_network_setup *setup, rncl_network_plan *plan)
{
    const rncl_graph *graph = plan->graph;
    size_t params = graph->param_floats * sizeof(float);
    size_t batch = (size_t)setup->batch_size;
    plan->input_bytes = tensor_bytes(plan, 0);
    plan->total_bytes = plan->memory.total_bytes + plan->workspace_bytes +
                        rncl_parameters_bytes(context, setup) + 2 * plan->input_bytes +
                        2 * 3 * batch * sizeof(float);
    plan->largest_bytes = MAX(MAX(params, plan->workspace_bytes), plan->input_bytes);
    for (size_t i = 0; i < plan->memory.block_count; i++)
        plan->largest_bytes = MAX(plan->largest_bytes, plan->memory.block_bytes[i]);
}

static rncl_status plan_at(rncl_context *context, const rncl_network_setup *setup, int micro_batch,
                           rncl_network_plan *plan)
{
    const rncl_graph *graph = setup->graph;
    size_t nodes = graph->node_count, tensors = graph->tensor_count;
    *plan = (rncl_network_plan){.graph = graph, .micro_batch = micro_batch};
    plan->ops = calloc(nodes, sizeof(rncl_op *));
    plan->learns = calloc(tensors, sizeof(bool));
    plan->accumulate_dx = calloc(nodes, sizeof(bool));
    plan->saved = calloc(nodes, sizeof(int));
    plan->packed = calloc(nodes, sizeof(int));
    plan->partner = calloc(nodes, sizeof(int));
    plan->coefficients = calloc(nodes, sizeof(int));
    plan->activation = calloc(tensors, sizeof(int));
    plan->gradient = calloc(tensors, sizeof(int));
    plan->producer = calloc(tensors, sizeof(int));
    plan->statistics = calloc(tensors, sizeof(int));
    plan->gradient_sums = calloc(tensors, sizeof(int));
    plan->value_bytes = calloc(tensors, sizeof(size_t));
    plan->requests = calloc(4 * tensors + 3 * nodes + 1, sizeof(rncl_memory_request));
    if (!plan->ops || !plan->learns || !plan->accumulate_dx || !plan->saved || !plan->packed ||
        !plan->partner || !plan->coefficients || !plan->activation || !plan->gradient || !plan->producer ||
        !plan->statistics || !plan->gradient_sums || !plan->value_bytes || !plan->requests)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of %zu nodes", nodes);
    for (size_t i = 0; i < tensors; i++) {
        plan->activation[i] = plan->gradient[i] = plan->statistics[i] = plan->gradient_sums[i] =
            RNCL_NO_REQUEST;
        plan->producer[i] = -1;
    }
    for (size_t i = 0; i < nodes; i++) {
        plan->partner[i] = -1;
        plan->saved[i] = RNCL_NO_REQUEST;
    }
    find_learning(plan, setup->training);
    RNCL_TRY(plan_ops(context, setup, plan));
    RNCL_TRY(find_value_bytes(plan));
    plan_forward(plan);
    if (setup->training)
        plan_backward(plan);
    RNCL_TRY(rncl_memory_plan_make(plan->requests, plan->request_count, context->info.address_alignment,
                                   (size_t)context->info.max_allocation, &plan->memory));
    add_up(context, setup, plan);
    if ((double)plan->total_bytes > usable_share * (double)context->info.global_memory ||
        plan->largest_bytes > context->info.max_allocation)
        return RNCL_FAIL(RNCL_ERR_DEVICE_MEMORY,
                         "%d pictures at once need %zu MiB; %s has %zu MiB and allocates %zu MiB at once: "
                         "choose a smaller "
                         "--micro-batch, --image or --depth",
                         micro_batch, plan->total_bytes >> 20, context->info.name,
                         (size_t)context->info.global_memory >> 20,
                         (size_t)context->info.max_allocation >> 20);
    return RNCL_OK;
}

rncl_status rncl_network_plan_create(rncl_context *context, const rncl_network_setup *setup,
                                     rncl_network_plan *out)
{
    *out = (rncl_network_plan){0};
    RNCL_TRY(rncl_arch_check_runs(setup->graph->options.arch));
    int batch = setup->batch_size, fixed = setup->micro_batch;
    if (batch <= 0 || fixed < 0 || (fixed && batch % fixed))
        return RNCL_FAIL(RNCL_ERR_USAGE, "--micro-batch %d does not divide --batch-size %d", fixed, batch);
    rncl_status st = RNCL_OK;
    for (int candidate = fixed ? fixed : batch; candidate > 0; candidate--) {
        if (batch % candidate)
            continue;
        st = plan_at(context, setup, candidate, out);
        if (st != RNCL_ERR_DEVICE_MEMORY || fixed)
            break;
        if (candidate > 1)
            rncl_network_plan_fini(out);
    }
    if (st)
        rncl_network_plan_fini(out);
    return st;
}

void rncl_network_plan_fini(rncl_network_plan *plan)
{
    for (size_t i = 0; plan->ops && i < plan->graph->node_count; i++)
        rncl_op_destroy(plan->ops[i]);
    free(plan->ops);
    free(plan->learns);
    free(plan->accumulate_dx);
    free(plan->saved);
    free(plan->packed);
    free(plan->partner);
    free(plan->coefficients);
    free(plan->activation);
    free(plan->gradient);
    free(plan->producer);
    free(plan->statistics);
    free(plan->gradient_sums);
    free(plan->value_bytes);
    free(plan->requests);
    *plan = (rncl_network_plan){0};
}
