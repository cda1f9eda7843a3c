/* The convolution operation: a plan for each of its three passes, and the table of algorithms they are chosen
 * from. */
#include "conv.h"

#include <stdlib.h>
#include <string.h>

#include "op_types.h"
#include "util.h"

const rncl_conv_algorithm *const rncl_conv_algorithms[] = {
    &rncl_conv_winograd,      &rncl_conv_winograd_filter, &rncl_conv_pointwise_filter, &rncl_conv_direct,
    &rncl_conv_direct_filter, &rncl_conv_staged_winograd, &rncl_conv_implicit_gemm,    &rncl_conv_im2col_gemm,
};
const size_t rncl_conv_algorithm_count = COUNT(rncl_conv_algorithms);

/* What each class of devices takes by default: the first of the table from this one on that supports a shape
 * and pays. */
static const rncl_conv_algorithm *const class_defaults[] = {
    [RNCL_CLASS_CPU_VECTOR] = &rncl_conv_winograd,
    [RNCL_CLASS_GPU] = &rncl_conv_staged_winograd,
    [RNCL_CLASS_SCALAR] = &rncl_conv_implicit_gemm,
};

static const char *const pass_names[] = {
    [RNCL_CONV_FORWARD] = "forward",
    [RNCL_CONV_BACKWARD_DATA] = "backward_data",
    [RNCL_CONV_BACKWARD_FILTER] = "backward_filter",
};

bool rncl_conv_pass_is_wanted(const rncl_op_choice *choice, rncl_conv_pass pass)
{
    if (choice->forward_only)
        return pass == RNCL_CONV_FORWARD;
    const bool unwanted[RNCL_CONV_PASSES] = {
        [RNCL_CONV_BACKWARD_DATA] = choice->no_dx, [RNCL_CONV_BACKWARD_FILTER] = choice->frozen};
    return !unwanted[pass];
}

const char *rncl_conv_pass_name(rncl_conv_pass pass)
{
    return pass_names[pass];
}

static bool is_wanted(const rncl_conv_algorithm *algorithm, const rncl_op_choice *choice)
{
    return algorithm && (algorithm->exact || !choice->exact_only);
}

static const rncl_conv_algorithm *default_algorithm(const rncl_conv_plan *plan, const rncl_op_choice *choice)
{
    size_t first = 0;
    while (first < rncl_conv_algorithm_count &&
           rncl_conv_algorithms[first] != class_defaults[plan->context->device_class])
        first++;
    for (size_t i = first; i < rncl_conv_algorithm_count; i++) {
        const rncl_conv_algorithm *algorithm = rncl_conv_algorithms[i];
        if (is_wanted(algorithm, choice) && algorithm->supports(plan) &&
            (!algorithm->pays || algorithm->pays(plan)))
            return algorithm;
    }
    return NULL;
}

static bool algorithm_exists(const char *name)
{
    for (size_t i = 0; i < rncl_conv_algorithm_count; i++)
        if (!strcmp(rncl_conv_algorithms[i]->name, name))
            return true;
    return false;
}

const rncl_conv_algorithm *rncl_conv_algorithm_find(const char *name, const rncl_conv_plan *plan)
{
    for (size_t i = 0; i < rncl_conv_algorithm_count; i++)
        if (!strcmp(rncl_conv_algorithms[i]->name, name) && rncl_conv_algorithms[i]->supports(plan))
            return rncl_conv_algorithms[i];
    return NULL;
}

rncl_knobs rncl_conv_knobs(const rncl_conv_plan *plan)
{
    rncl_knobs knobs = {0};
    if (plan->algorithm->knobs)
        plan->algorithm->knobs(plan, &knobs);
    return knobs;
}

/* Gives the plan this algorithm with the setting's values (NULL: presets). False if that is not possible. */
static bool take(rncl_conv_plan *plan, const rncl_conv_algorithm *algorithm, const rncl_setting *setting)
{
    plan->algorithm = algorithm;
    if (!algorithm)
        return false;
    rncl_knobs knobs = rncl_conv_knobs(plan);
    return rncl_knobs_resolve(&knobs, setting, plan->values) &&
           (!setting || !algorithm->allows || algorithm->allows(plan));
}

/* An algorithm that is asked for by name keeps a setting that was made for it. */
static bool take_tuned(rncl_conv_plan *plan, const rncl_op_choice *choice)
{
    const rncl_op_desc desc = {.kind = RNCL_OP_conv, .conv = plan->shape};
    const rncl_setting *setting =
        choice->tuned.lookup ? choice->tuned.lookup(choice->tuned.state, &desc, (int)plan->pass) : NULL;
    if (!setting || (choice->algorithm && strcmp(choice->algorithm, setting->algorithm) != 0))
        return false;
    const rncl_conv_algorithm *algorithm = rncl_conv_algorithm_find(setting->algorithm, plan);
    plan->tuned = is_wanted(algorithm, choice) && take(plan, algorithm, setting);
    return plan->tuned;
}

rncl_status rncl_conv_plan_create(rncl_context *context, const rncl_conv_shape *shape, rncl_conv_pass pass,
                                  const rncl_op_choice *choice, rncl_conv_plan *out)
{
    *out = (rncl_conv_plan){.context = context, .shape = *shape, .pass = pass};
    if (choice->algorithm && !algorithm_exists(choice->algorithm))
        return RNCL_FAIL(RNCL_ERR_USAGE, "no convolution algorithm %s", choice->algorithm);
    if (!take_tuned(out, choice) &&
        !(choice->algorithm && take(out, rncl_conv_algorithm_find(choice->algorithm, out), NULL)) &&
        !take(out, default_algorithm(out, choice), NULL))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "no convolution algorithm for %s of %dx%d taps on %s",
                         pass_names[pass], shape->r, shape->s, context->info.name);
    return out->algorithm->plan(out);
}

void rncl_conv_plan_fini(rncl_conv_plan *plan)
{
    if (plan->algorithm)
        plan->algorithm->destroy(plan);
    *plan = (rncl_conv_plan){0};
}

typedef struct conv_data {
    rncl_conv_plan passes[RNCL_CONV_PASSES];
    size_t packed_offset[RNCL_CONV_PASSES]; /* floats */
} conv_data;

static bool sizes_fit(const rncl_conv_shape *s)
{
    return s->n > 0 && s->h > 0 && s->w > 0 && s->c > 0 && s->k > 0 && s->r > 0 && s->s > 0 &&
           s->stride > 0 && s->pad >= 0 && s->p > 0 && s->q > 0 &&
           s->p == rncl_window_output(s->h, s->r, s->stride, s->pad) &&
           s->q == rncl_window_output(s->w, s->s, s->stride, s->pad);
}

static bool pass_is_wanted(const rncl_op *op, rncl_conv_pass pass)
{
    return rncl_conv_pass_is_wanted(&op->choice, pass);
}

static const rncl_conv_shape *conv_convolution(const rncl_op *op)
{
    return &op->desc.conv;
}

static rncl_status conv_plan(rncl_op *op)
{
    const rncl_conv_shape *s = &op->desc.conv;
    if (!sizes_fit(s))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "convolution of %dx%dx%dx%d by %dx%d, stride %d, pad %d", s->n, s->h,
                         s->w, s->c, s->r, s->s, s->stride, s->pad);
    conv_data *data = op->plan_data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "convolution plan");
    op->needs = (rncl_op_needs){
        .x = {s->n, s->h, s->w, s->c},
        .y = {s->n, s->p, s->q, s->k},
        .weight = (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k,
        .backward_reads_x = pass_is_wanted(op, RNCL_CONV_BACKWARD_FILTER),
    };
    size_t packed_floats = 0;
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++) {
        rncl_conv_plan *plan = &data->passes[pass];
        if (!pass_is_wanted(op, pass))
            continue;
        RNCL_TRY(rncl_conv_plan_create(op->context, s, pass, &op->choice, plan));
        op->problems++;
        op->tuned += plan->tuned;
        data->packed_offset[pass] = packed_floats;
        packed_floats += plan->packed_floats;
        op->needs.workspace_bytes = MAX(op->needs.workspace_bytes, plan->workspace_bytes);
    }
    op->needs.packed_bytes = packed_floats * sizeof(float);
    op->needs.statistics_parts = data->passes[RNCL_CONV_FORWARD].statistics_parts;
    return RNCL_OK;
}

static rncl_status conv_build(rncl_op *op)
{
    conv_data *data = op->plan_data;
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++)
        if (pass_is_wanted(op, pass))
            RNCL_TRY(data->passes[pass].algorithm->build(&data->passes[pass]));
    return RNCL_OK;
}

static rncl_conv_buffers pass_buffers(const conv_data *data, rncl_conv_pass pass,
                                      const rncl_op_buffers *buffers)
{
    return (rncl_conv_buffers){
        .packed = buffers->packed,
        .packed_offset = data->packed_offset[pass],
        .workspace = buffers->workspace,
        .filter = buffers->weight,
    };
}

static rncl_status conv_prepare(rncl_op *op, const rncl_op_buffers *buffers)
{
    conv_data *data = op->plan_data;
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++) {
        rncl_conv_plan *plan = &data->passes[pass];
        rncl_conv_buffers of_pass = pass_buffers(data, pass, buffers);
        if (plan->packed_floats)
            RNCL_TRY(plan->algorithm->prepare(plan, &of_pass));
    }
    return RNCL_OK;
}

static rncl_status conv_forward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags)
{
    (void)flags;
    conv_data *data = op->plan_data;
    rncl_conv_plan *plan = &data->passes[RNCL_CONV_FORWARD];
    rncl_conv_buffers forward = pass_buffers(data, RNCL_CONV_FORWARD, buffers);
    forward.x = buffers->x;
    forward.y = buffers->y;
    forward.statistics = buffers->statistics;
    return plan->algorithm->enqueue(plan, &forward);
}

static rncl_status conv_backward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags)
{
    conv_data *data = op->plan_data;
    if (pass_is_wanted(op, RNCL_CONV_BACKWARD_FILTER)) {
        rncl_conv_plan *plan = &data->passes[RNCL_CONV_BACKWARD_FILTER];
        rncl_conv_buffers backward = pass_buffers(data, RNCL_CONV_BACKWARD_FILTER, buffers);
        backward.x = buffers->x;
        backward.filter = buffers->dweight;
        backward.y = buffers->dy;
        backward.accumulate = flags & RNCL_OP_ACCUMULATE_PARAMS;
        RNCL_TRY(plan->algorithm->enqueue(plan, &backward));
    }
    if (!buffers->dx || !pass_is_wanted(op, RNCL_CONV_BACKWARD_DATA))
        return RNCL_OK;
    rncl_conv_plan *plan = &data->passes[RNCL_CONV_BACKWARD_DATA];
    rncl_conv_buffers backward = pass_buffers(data, RNCL_CONV_BACKWARD_DATA, buffers);
    backward.x = buffers->dx;
    backward.y = buffers->dy;
    backward.accumulate = flags & RNCL_OP_ACCUMULATE_DX;
    return plan->algorithm->enqueue(plan, &backward);
}

static void conv_destroy(rncl_op *op)
{
    conv_data *data = op->plan_data;
    for (rncl_conv_pass pass = 0; data && pass < RNCL_CONV_PASSES; pass++)
        rncl_conv_plan_fini(&data->passes[pass]);
    free(data);
}

const rncl_op_type rncl_op_conv = {
    .name = "conv",
    .plan = conv_plan,
    .build = conv_build,
    .prepare = conv_prepare,
    .forward = conv_forward,
    .backward = conv_backward,
    .destroy = conv_destroy,
    .convolution = conv_convolution,
};
