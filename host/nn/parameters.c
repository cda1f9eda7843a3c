/* Vectors of parameters and running statistics, cut into slices for the nodes. */
#include "parameters.h"

#include <limits.h>
#include <stdlib.h>

#include "cl_error.h"
#include "util.h"

static size_t param_bytes(const rncl_graph *graph)
{
    return graph->param_floats * sizeof(float);
}

static size_t state_bytes(const rncl_graph *graph)
{
    return MAX(graph->state_floats, 1) * sizeof(float);
}

static const size_t overflow_bytes = RNCL_UNSCALE_PARTS * sizeof(int32_t);

static bool keeps_state(const rncl_network_setup *setup)
{
    return setup->training && setup->others.sum;
}

bool rncl_parameters_scale_loss(const rncl_context *context, const rncl_network_setup *setup)
{
    return setup->training && context->precision == RNCL_PRECISION_FP16_TENSORS;
}

size_t rncl_parameters_bytes(const rncl_context *context, const rncl_network_setup *setup)
{
    size_t vectors = setup->training ? 3 : 1, averages = setup->averaged ? 1 : 0;
    const size_t states = 1 + averages + (keeps_state(setup) ? 1 : 0);
    return (vectors + averages) * param_bytes(setup->graph) + states * state_bytes(setup->graph) +
           (rncl_parameters_scale_loss(context, setup) ? overflow_bytes : 0);
}

/* The padding between parameters takes part in updates: it must be, and then stays, zero. */
static rncl_status allocate_zeros(rncl_context *context, size_t size_bytes, cl_mem *out)
{
    RNCL_TRY(rncl_buffer_create(context, size_bytes, out));
    return rncl_buffer_clear(context, *out, size_bytes);
}

static rncl_status allocate(rncl_parameters *p, const rncl_network_setup *setup)
{
    const rncl_graph *graph = p->graph;
    RNCL_TRY(rncl_buffer_create(p->context, param_bytes(graph), &p->params));
    RNCL_TRY(rncl_buffer_create(p->context, state_bytes(graph), &p->state));
    if (setup->training) {
        RNCL_TRY(allocate_zeros(p->context, param_bytes(graph), &p->gradients));
        RNCL_TRY(allocate_zeros(p->context, param_bytes(graph), &p->velocity));
    }
    if (keeps_state(setup))
        RNCL_TRY(allocate_zeros(p->context, state_bytes(graph), &p->state_before));
    if (rncl_parameters_scale_loss(p->context, setup)) {
        RNCL_TRY(allocate_zeros(p->context, overflow_bytes, &p->overflows));
        p->host_overflows = malloc(overflow_bytes);
        if (!p->host_overflows)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of counts", overflow_bytes);
    }
    if (setup->averaged) {
        RNCL_TRY(allocate_zeros(p->context, param_bytes(graph), &p->average));
        RNCL_TRY(allocate_zeros(p->context, state_bytes(graph), &p->average_state));
    }
    return RNCL_OK;
}

static rncl_status slice_floats(cl_mem parent, size_t offset, size_t count, cl_mem *out)
{
    return rncl_buffer_slice(parent, offset * sizeof(float), count * sizeof(float), out);
}

static rncl_status slice(rncl_parameters *p)
{
    const rncl_graph *graph = p->graph;
    p->param_slices = calloc(graph->param_count, sizeof(cl_mem));
    p->gradient_slices = calloc(graph->param_count, sizeof(cl_mem));
    p->mean_slices = calloc(graph->running_count + 1, sizeof(cl_mem));
    p->variance_slices = calloc(graph->running_count + 1, sizeof(cl_mem));
    if (!p->param_slices || !p->gradient_slices || !p->mean_slices || !p->variance_slices)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu parameters", graph->param_count);
    for (size_t i = 0; i < graph->param_count; i++) {
        const rncl_param *param = &graph->params[i];
        RNCL_TRY(slice_floats(p->params, param->offset, param->count, &p->param_slices[i]));
        if (p->gradients)
            RNCL_TRY(slice_floats(p->gradients, param->offset, param->count, &p->gradient_slices[i]));
    }
    for (size_t i = 0; i < graph->running_count; i++) {
        const rncl_running *running = &graph->running[i];
        size_t channels = (size_t)running->channels;
        RNCL_TRY(slice_floats(p->state, running->mean_offset, channels, &p->mean_slices[i]));
        RNCL_TRY(slice_floats(p->state, running->variance_offset, channels, &p->variance_slices[i]));
    }
    return RNCL_OK;
}

/* Adjacent parameters, padding included, are one range and so one launch. */
static void add_range(rncl_parameters *p, size_t first, size_t end)
{
    rncl_parameter_range *last = p->trained_count ? &p->trained[p->trained_count - 1] : NULL;
    if (last && last->first + last->count == first)
        last->count += end - first;
    else
        p->trained[p->trained_count++] = (rncl_parameter_range){first, end - first};
}

static rncl_status find_trained_ranges(rncl_parameters *p)
{
    const rncl_graph *graph = p->graph;
    bool *frozen = calloc(graph->param_count, sizeof *frozen);
    p->trained = calloc(graph->param_count, sizeof *p->trained);
    for (size_t i = 0; frozen && i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        if (node->weight >= 0)
            frozen[node->weight] = node->frozen;
        if (node->bias >= 0)
            frozen[node->bias] = node->frozen;
    }
    for (size_t i = 0; frozen && p->trained && i < graph->param_count; i++) {
        const bool last = i + 1 == graph->param_count;
        if (!frozen[i])
            add_range(p, graph->params[i].offset, last ? graph->param_floats : graph->params[i + 1].offset);
    }
    const bool failed = !frozen || !p->trained;
    free(frozen);
    return failed ? RNCL_FAIL(RNCL_ERR_MEMORY, "%zu parameters", graph->param_count) : RNCL_OK;
}

/* An operation on a whole vector. */
static rncl_status create_op(rncl_context *context, const rncl_op_desc *desc, const rncl_network_setup *setup,
                             rncl_op **out)
{
    const rncl_op_choice choice = {.algorithm = setup->algorithm, .tuned = setup->tuned};
    RNCL_TRY(rncl_op_create(context, desc, &choice, out));
    return rncl_op_build(*out);
}

rncl_op_desc rncl_parameters_op(rncl_op_kind kind, size_t floats)
{
    return (rncl_op_desc){.kind = kind, .n = (rncl_int)MIN(floats, (size_t)INT_MAX)};
}

rncl_status rncl_parameters_init(rncl_context *context, const rncl_network_setup *setup, rncl_parameters *out)
{
    const rncl_graph *graph = setup->graph;
    *out = (rncl_parameters){.context = context, .graph = graph};
    RNCL_TRY(allocate(out, setup));
    RNCL_TRY(slice(out));
    if (setup->training) {
        RNCL_TRY(find_trained_ranges(out));
        const rncl_op_desc sgd = rncl_parameters_op(RNCL_OP_sgd, graph->param_floats);
        RNCL_TRY(create_op(context, &sgd, setup, &out->sgd));
    }
    if (rncl_parameters_scale_loss(context, setup)) {
        const rncl_op_desc unscale = rncl_parameters_op(RNCL_OP_unscale, graph->param_floats);
        RNCL_TRY(create_op(context, &unscale, setup, &out->unscale));
    }
    if (setup->averaged) {
        const rncl_op_desc ema = rncl_parameters_op(RNCL_OP_ema, graph->param_floats);
        const rncl_op_desc state_ema = rncl_parameters_op(RNCL_OP_ema, graph->state_floats);
        RNCL_TRY(create_op(context, &ema, setup, &out->ema));
        RNCL_TRY(create_op(context, &state_ema, setup, &out->state_ema));
    }
    return RNCL_OK;
}

static void release_slices(cl_mem *slices, size_t count)
{
    for (size_t i = 0; slices && i < count; i++)
        rncl_buffer_release(slices[i]);
    free(slices);
}

void rncl_parameters_fini(rncl_parameters *p)
{
    if (!p->graph)
        return;
    rncl_op_destroy(p->sgd);
    rncl_op_destroy(p->ema);
    rncl_op_destroy(p->state_ema);
    rncl_op_destroy(p->unscale);
    free(p->host_overflows);
    free(p->trained);
    release_slices(p->param_slices, p->graph->param_count);
    release_slices(p->gradient_slices, p->graph->param_count);
    release_slices(p->mean_slices, p->graph->running_count);
    release_slices(p->variance_slices, p->graph->running_count);
    cl_mem const buffers[] = {p->params,   p->state,   p->state_before,  p->gradients,
                              p->velocity, p->average, p->average_state, p->overflows};
    for (size_t i = 0; i < COUNT(buffers); i++)
        rncl_buffer_release(buffers[i]);
}

typedef rncl_status transfer(rncl_context *context, cl_mem buffer, size_t size_bytes, float *values);

static rncl_status write_vector(rncl_context *context, cl_mem buffer, size_t size_bytes, float *values)
{
    return rncl_buffer_write(context, buffer, 0, size_bytes, values);
}

static rncl_status read_vector(rncl_context *context, cl_mem buffer, size_t size_bytes, float *values)
{
    return rncl_buffer_read(context, buffer, 0, size_bytes, values);
}

/* Vectors that one of the two sides does not have stay where they are. */
static rncl_status move(rncl_parameters *p, const rncl_network_vectors *vectors, transfer *transfer_vector)
{
    const size_t params = p->graph->param_floats, state = p->graph->state_floats;
    const struct {
        cl_mem buffer;
        size_t floats;
        float *values;
    } moves[] = {
        {p->params, params, vectors->params},
        {p->state, state, vectors->state},
        {p->velocity, params, vectors->velocity},
        {p->average, params, vectors->average},
        {p->average_state, state, vectors->average_state},
    };
    for (size_t i = 0; i < COUNT(moves); i++)
        if (moves[i].buffer && moves[i].values && moves[i].floats)
            RNCL_TRY(transfer_vector(p->context, moves[i].buffer, moves[i].floats * sizeof(float),
                                     moves[i].values));
    return RNCL_OK;
}

rncl_status rncl_parameters_write(rncl_parameters *parameters, const rncl_network_vectors *from)
{
    return move(parameters, from, write_vector);
}

rncl_status rncl_parameters_read(rncl_parameters *parameters, const rncl_network_vectors *to)
{
    return move(parameters, to, read_vector);
}

rncl_status rncl_parameters_keep_state(rncl_parameters *p)
{
    if (!p->state_before || !p->graph->state_floats)
        return RNCL_OK;
    return rncl_cl_status(clEnqueueCopyBuffer(p->context->queue, p->state, p->state_before, 0, 0,
                                              p->graph->state_floats * sizeof(float), 0, NULL, NULL),
                          "clEnqueueCopyBuffer", "the running statistics");
}

rncl_status rncl_parameters_read_before(rncl_parameters *p, const rncl_network_vectors *to)
{
    rncl_parameters before = *p;
    before.state = p->state_before;
    return move(&before, to, read_vector);
}

/* Parameters, and running statistics, with their averages. */
static rncl_status enqueue_averages(rncl_parameters *p, int pass, const rncl_op_scalars *scalars,
                                    const rncl_pass_observer *observer)
{
    const struct {
        rncl_op *op;
        rncl_op_buffers buffers;
    } vectors[] = {
        {p->ema, {.weight = p->params, .average = p->average}},
        {p->state_ema, {.weight = p->state, .average = p->average_state}},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const rncl_pass_at at = {.op = vectors[i].op,
                                 .pass = pass,
                                 .name = "averages",
                                 .buffers = &vectors[i].buffers,
                                 .scalars = scalars,
                                 .turns = 1};
        RNCL_TRY(rncl_pass_enqueue_observed(observer, &at));
    }
    return RNCL_OK;
}

/* Gradients of frozen parameters are the zeros that they began as. */
rncl_status rncl_parameters_unscale(rncl_parameters *p, double scale, bool *finite)
{
    const rncl_op_buffers buffers = {.dweight = p->gradients, .overflows = p->overflows};
    const rncl_op_scalars scalars = {.scale = (float)(1 / scale)};
    *finite = true;
    RNCL_TRY(rncl_op_enqueue(p->unscale, 0, &buffers, &scalars));
    RNCL_TRY(rncl_buffer_read(p->context, p->overflows, 0, overflow_bytes, p->host_overflows));
    for (size_t i = 0; i < RNCL_UNSCALE_PARTS; i++)
        *finite &= !p->host_overflows[i];
    return RNCL_OK;
}

rncl_status rncl_parameters_update(rncl_parameters *p, const rncl_update_rule *rule,
                                   const rncl_pass_observer *observer)
{
    const rncl_op_buffers buffers = {.weight = p->params, .dweight = p->gradients, .velocity = p->velocity};
    rncl_op_scalars scalars = {.lr = rule->lr,
                               .momentum = rule->momentum,
                               .weight_decay = rule->weight_decay,
                               .share = rule->average_share};
    rncl_pass_at at = {.op = p->sgd,
                       .name = "parameters",
                       .buffers = &buffers,
                       .scalars = &scalars,
                       .turns = (int)p->trained_count};
    for (size_t i = 0; i < p->trained_count; i++) {
        scalars.first = (int)p->trained[i].first;
        scalars.count = (int)p->trained[i].count;
        at.turn = (int)i;
        RNCL_TRY(rncl_pass_enqueue_observed(observer, &at));
    }
    return p->ema ? enqueue_averages(p, RNCL_EMA_UPDATE, &scalars, observer) : RNCL_OK;
}

rncl_status rncl_parameters_exchange(rncl_parameters *p)
{
    return enqueue_averages(p, RNCL_EMA_EXCHANGE, &(rncl_op_scalars){0}, &(rncl_pass_observer){0});
}
