/* The convolution operation: a plan for each of its three passes, and the table of algorithms they are chosen
 * from. */
#include "conv.h"

#include <stdlib.h>
#include <string.h>

#include "op_types.h"
#include "tunable.h"
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

/* Packed filters of a pass begin at a multiple of so many floats: kernels store whole vectors there. */
enum { PACKED_ALIGNMENT = 16 };

static bool is_wanted(const rncl_conv_algorithm *algorithm, const rncl_op_choice *choice)
{
    return algorithm && (algorithm->exact || !choice->exact_only);
}

/* The row that is taken untuned; the number of rows if none can do it. */
static size_t default_row(const rncl_conv_plan *plan, const rncl_op_choice *choice)
{
    size_t row = 0;
    while (row < rncl_conv_algorithm_count &&
           rncl_conv_algorithms[row] != class_defaults[plan->context->device_class])
        row++;
    for (; row < rncl_conv_algorithm_count; row++) {
        const rncl_conv_algorithm *algorithm = rncl_conv_algorithms[row];
        if (is_wanted(algorithm, choice) && algorithm->supports(plan) &&
            (!algorithm->pays || algorithm->pays(plan)))
            break;
    }
    return row;
}

static const rncl_conv_algorithm *default_algorithm(const rncl_conv_plan *plan, const rncl_op_choice *choice)
{
    const size_t row = default_row(plan, choice);
    return row < rncl_conv_algorithm_count ? rncl_conv_algorithms[row] : NULL;
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

/* Gives the plan this algorithm with its presets. False if there is none. */
static bool take_presets(rncl_conv_plan *plan, const rncl_conv_algorithm *algorithm)
{
    rncl_knobs knobs = {0};
    plan->algorithm = algorithm;
    if (!algorithm)
        return false;
    if (algorithm->knobs)
        algorithm->knobs(plan, &knobs);
    return rncl_knobs_resolve(&knobs, NULL, plan->values);
}

/* An algorithm that is asked for by name keeps a setting that was made for it. */
static bool take_tuned(rncl_conv_plan *plan, const rncl_op_choice *choice)
{
    rncl_tunable t = {.context = plan->context,
                      .desc = {.kind = RNCL_OP_conv, .conv = plan->shape},
                      .pass = (int)plan->pass};
    const rncl_setting *setting =
        choice->tuned.lookup ? choice->tuned.lookup(choice->tuned.state, &t.desc, t.pass) : NULL;
    if (!setting || (choice->algorithm && strcmp(choice->algorithm, setting->algorithm) != 0) ||
        !rncl_tunable_take(&t, setting) || !is_wanted(rncl_conv_algorithms[t.row], choice))
        return false;
    plan->algorithm = rncl_conv_algorithms[t.row];
    memcpy(plan->values, t.values, sizeof plan->values);
    plan->tuned = true;
    return true;
}

rncl_status rncl_conv_plan_create(rncl_context *context, const rncl_conv_shape *shape, rncl_conv_pass pass,
                                  const rncl_op_choice *choice, rncl_conv_plan *out)
{
    *out = (rncl_conv_plan){.context = context, .shape = *shape, .pass = pass};
    if (choice->algorithm && !algorithm_exists(choice->algorithm))
        return RNCL_FAIL(RNCL_ERR_USAGE, "no convolution algorithm %s", choice->algorithm);
    if (!take_tuned(out, choice) &&
        !(choice->algorithm && take_presets(out, rncl_conv_algorithm_find(choice->algorithm, out))) &&
        !take_presets(out, default_algorithm(out, choice)))
        return RNCL_FAIL(RNCL_ERR_SHAPE, "no convolution algorithm for %s of %dx%d taps on %s",
                         rncl_op_conv.passes[pass].name, shape->r, shape->s, context->info.name);
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
        .backward_reads_x = rncl_op_wants(op, RNCL_CONV_BACKWARD_FILTER),
    };
    size_t packed_floats = 0;
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++) {
        rncl_conv_plan *plan = &data->passes[pass];
        if (!rncl_op_wants(op, (int)pass))
            continue;
        RNCL_TRY(rncl_conv_plan_create(op->context, s, pass, &op->choice, plan));
        op->problems++;
        op->tuned += plan->tuned;
        data->packed_offset[pass] = packed_floats;
        packed_floats += rncl_round_up(plan->packed_floats, PACKED_ALIGNMENT);
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
        if (rncl_op_wants(op, (int)pass))
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
    if (rncl_op_wants(op, RNCL_CONV_BACKWARD_FILTER)) {
        rncl_conv_plan *plan = &data->passes[RNCL_CONV_BACKWARD_FILTER];
        rncl_conv_buffers backward = pass_buffers(data, RNCL_CONV_BACKWARD_FILTER, buffers);
        backward.x = buffers->x;
        backward.filter = buffers->dweight;
        backward.y = buffers->dy;
        backward.accumulate = flags & RNCL_OP_ACCUMULATE_PARAMS;
        RNCL_TRY(plan->algorithm->enqueue(plan, &backward));
    }
    if (!buffers->dx || !rncl_op_wants(op, RNCL_CONV_BACKWARD_DATA))
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

static const char *row_name(size_t row)
{
    return rncl_conv_algorithms[row]->name;
}

static const char *row_kernels(size_t row)
{
    return rncl_conv_algorithms[row]->kernels;
}

/* What a row is asked about. */
static rncl_conv_plan plan_of(const rncl_tunable *t)
{
    rncl_conv_plan plan = {.algorithm = rncl_conv_algorithms[t->row],
                           .context = t->context,
                           .shape = t->desc.conv,
                           .pass = (rncl_conv_pass)t->pass};
    memcpy(plan.values, t->values, sizeof plan.values);
    return plan;
}

static bool row_supports(const rncl_tunable *t)
{
    const rncl_conv_plan plan = plan_of(t);
    return plan.algorithm->supports(&plan);
}

static size_t untuned_row(const rncl_tunable *t)
{
    const rncl_conv_plan plan = plan_of(t);
    const rncl_op_choice any = {0};
    return default_row(&plan, &any);
}

static void conv_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    const rncl_conv_plan plan = plan_of(t);
    if (plan.algorithm->knobs)
        plan.algorithm->knobs(&plan, knobs);
}

static bool conv_allows(const rncl_tunable *t)
{
    const rncl_conv_plan plan = plan_of(t);
    return !plan.algorithm->allows || plan.algorithm->allows(&plan);
}

static const rncl_op_algorithms algorithms = {
    .count = COUNT(rncl_conv_algorithms),
    .name = row_name,
    .kernels = row_kernels,
    .supports = row_supports,
    .default_row = untuned_row,
};

const rncl_op_type rncl_op_conv = {
    .name = "conv",
    .plan = conv_plan,
    .build = conv_build,
    .prepare = conv_prepare,
    .forward = conv_forward,
    .backward = conv_backward,
    .destroy = conv_destroy,
    .passes =
        {
            [RNCL_CONV_FORWARD] = {.name = "forward"},
            [RNCL_CONV_BACKWARD_DATA] = {.name = "backward_data", .for_dx = true},
            [RNCL_CONV_BACKWARD_FILTER] = {.name = "backward_filter", .for_parameters = true},
        },
    .algorithms = &algorithms,
    .knobs = conv_knobs,
    .allows = conv_allows,
};
