/* Candidates on a device. */
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "trial_reference.h"
#include "util.h"

enum {
    SAMPLES = 256,
    ROUNDS = 3,
    COMPARE_ROUNDS = 5,
    MOST_COMPARED = 4,
};

/* Shorter stretches are not worth timing. */
#define STRETCH_NS UINT64_C(10000000)

/* Of the largest error, relative to the size that a sum of so many products has; faults are of that size
 * itself. */
static const double tolerance_per_root = 1e-5;

struct rncl_trial {
    rncl_context *context;
    rncl_problem problem;
    rncl_trial_hook hook;
    float *inputs[RNCL_TRIAL_TENSORS]; /* on the host; that of the result is NULL */
    cl_mem buffers[RNCL_TRIAL_TENSORS];
    size_t floats[RNCL_TRIAL_TENSORS];
    rncl_trial_tensor result;
    float *expected, *values, *blank; /* the result's floats */
};

/* A setting ready to run. */
typedef struct candidate {
    rncl_conv_plan plan;
    rncl_conv_buffers buffers;
} candidate;

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

static void candidate_fini(candidate *c)
{
    rncl_conv_plan_fini(&c->plan);
    rncl_buffer_release(c->buffers.packed);
    rncl_buffer_release(c->buffers.workspace);
}

static rncl_status candidate_init(rncl_trial *trial, const rncl_setting *setting, candidate *c)
{
    rncl_setting asked = setting ? *setting : (rncl_setting){0};
    const rncl_op_choice choice = {.tuned = {.lookup = setting ? answer : NULL, .state = &asked}};
    *c = (candidate){0};
    RNCL_TRY(
        rncl_conv_plan_create(trial->context, &trial->problem.shape, trial->problem.pass, &choice, &c->plan));
    if (setting && !c->plan.tuned)
        return RNCL_FAIL(RNCL_ERR_USAGE, "not possible here");
    RNCL_TRY(c->plan.algorithm->build(&c->plan));
    c->buffers = (rncl_conv_buffers){
        .x = trial->buffers[RNCL_TRIAL_X],
        .filter = trial->buffers[RNCL_TRIAL_FILTER],
        .y = trial->buffers[RNCL_TRIAL_Y],
    };
    if (c->plan.packed_floats)
        RNCL_TRY(
            rncl_buffer_create(trial->context, c->plan.packed_floats * sizeof(float), &c->buffers.packed));
    if (c->plan.workspace_bytes)
        RNCL_TRY(rncl_buffer_create(trial->context, c->plan.workspace_bytes, &c->buffers.workspace));
    return RNCL_OK;
}

static rncl_status enqueue(candidate *c)
{
    if (c->plan.packed_floats)
        RNCL_TRY(c->plan.algorithm->prepare(&c->plan, &c->buffers));
    return c->plan.algorithm->enqueue(&c->plan, &c->buffers);
}

/* One stretch of `calls` calls. */
static rncl_status time_calls(const rncl_trial *trial, candidate *c, unsigned calls, uint64_t *time_ns)
{
    uint64_t start = rncl_time_ns();
    for (unsigned i = 0; i < calls; i++)
        RNCL_TRY(enqueue(c));
    RNCL_TRY(rncl_context_finish(trial->context));
    *time_ns = (rncl_time_ns() - start) / calls;
    return RNCL_OK;
}

static unsigned calls_for(uint64_t time_ns)
{
    return (unsigned)(STRETCH_NS / MAX(time_ns, 1) + 1);
}

static double tolerance(const rncl_trial *trial)
{
    double length = rncl_trial_length(&trial->problem);
    return tolerance_per_root * sqrt(length) * sqrt(length);
}

static rncl_status check_samples(const rncl_trial *trial)
{
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 1, 0);
    size_t count = trial->floats[trial->result];
    for (int i = 0; i < SAMPLES; i++) {
        size_t at = i == 0 ? 0 : i == 1 ? count - 1 : rncl_random_u32(&random) % count;
        double exact = rncl_trial_exact(&trial->problem, trial->inputs, at);
        if (!(fabs(trial->values[at] - exact) <= tolerance(trial)))
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %zu is %g and not %g", at,
                             (double)trial->values[at], exact);
    }
    return RNCL_OK;
}

static rncl_status check_all(const rncl_trial *trial)
{
    for (size_t i = 0; i < trial->floats[trial->result]; i++)
        if (!(fabs((double)trial->values[i] - (double)trial->expected[i]) <= 2 * tolerance(trial)))
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %zu is %g and not %g", i, (double)trial->values[i],
                             (double)trial->expected[i]);
    return RNCL_OK;
}

/* Runs once over a result that is NaN throughout, so that what is left out shows. */
static rncl_status run_once(rncl_trial *trial, candidate *c, const rncl_setting *setting, uint64_t *time_ns)
{
    cl_mem result = trial->buffers[trial->result];
    size_t bytes = trial->floats[trial->result] * sizeof(float);
    RNCL_TRY(rncl_buffer_write(trial->context, result, 0, bytes, trial->blank));
    RNCL_TRY(time_calls(trial, c, 1, time_ns));
    RNCL_TRY(rncl_buffer_read(trial->context, result, 0, bytes, trial->values));
    if (trial->hook.result && setting)
        trial->hook.result(trial->hook.user, setting, trial->values, trial->floats[trial->result]);
    return RNCL_OK;
}

/* The first call may include what the driver has put off. */
static rncl_status time_candidate(rncl_trial *trial, candidate *c, uint64_t drop_ns, uint64_t *time_ns)
{
    RNCL_TRY(time_calls(trial, c, 1, time_ns));
    if (drop_ns && *time_ns > drop_ns)
        return RNCL_OK;
    unsigned calls = calls_for(*time_ns);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t time;
        RNCL_TRY(time_calls(trial, c, calls, &time));
        *time_ns = MIN(*time_ns, time);
    }
    return RNCL_OK;
}

rncl_status rncl_trial_run(rncl_trial *trial, const rncl_setting *setting, uint64_t drop_ns,
                           uint64_t *time_ns)
{
    candidate c;
    rncl_status st = candidate_init(trial, setting, &c);
    if (!st)
        st = run_once(trial, &c, setting, time_ns);
    if (!st)
        st = check_all(trial);
    if (!st)
        st = time_candidate(trial, &c, drop_ns, time_ns);
    candidate_fini(&c);
    return st;
}

static rncl_status compare(rncl_trial *trial, candidate *candidates, size_t count, uint64_t *times_ns)
{
    unsigned calls[MOST_COMPARED];
    for (size_t i = 0; i < count; i++) {
        RNCL_TRY(time_calls(trial, &candidates[i], 1, &times_ns[i]));
        calls[i] = calls_for(times_ns[i]);
    }
    for (int round = 0; round < COMPARE_ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            uint64_t time;
            RNCL_TRY(time_calls(trial, &candidates[i], calls[i], &time));
            times_ns[i] = MIN(times_ns[i], time);
        }
    return RNCL_OK;
}

rncl_status rncl_trial_compare(rncl_trial *trial, const rncl_setting *settings, size_t count,
                               uint64_t *times_ns)
{
    candidate candidates[MOST_COMPARED] = {0};
    rncl_status st = RNCL_OK;
    if (count > MOST_COMPARED)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%zu settings at once", count);
    for (size_t i = 0; i < count && !st; i++)
        st = candidate_init(trial, &settings[i], &candidates[i]);
    if (!st)
        st = compare(trial, candidates, count, times_ns);
    for (size_t i = 0; i < count; i++)
        candidate_fini(&candidates[i]);
    return st;
}

static rncl_status make_tensor(rncl_trial *trial, rncl_trial_tensor tensor)
{
    size_t count = trial->floats[tensor];
    RNCL_TRY(rncl_buffer_create(trial->context, count * sizeof(float), &trial->buffers[tensor]));
    if (tensor == trial->result)
        return RNCL_OK;
    float *values = trial->inputs[tensor] = malloc(count * sizeof *values);
    if (!values)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu values", count);
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 0, (uint32_t)tensor);
    for (size_t i = 0; i < count; i++)
        values[i] = rncl_random_normal(&random);
    return rncl_buffer_write(trial->context, trial->buffers[tensor], 0, count * sizeof *values, values);
}

static rncl_status prepare(rncl_trial *trial)
{
    for (rncl_trial_tensor tensor = 0; tensor < RNCL_TRIAL_TENSORS; tensor++)
        RNCL_TRY(make_tensor(trial, tensor));
    size_t count = trial->floats[trial->result];
    trial->expected = malloc(count * sizeof *trial->expected);
    trial->values = malloc(count * sizeof *trial->values);
    trial->blank = malloc(count * sizeof *trial->blank);
    if (!trial->expected || !trial->values || !trial->blank)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a result of %zu values", count);
    for (size_t i = 0; i < count; i++)
        trial->blank[i] = NAN;
    candidate presets;
    uint64_t ignored;
    rncl_status st = candidate_init(trial, NULL, &presets);
    if (!st)
        st = run_once(trial, &presets, NULL, &ignored);
    candidate_fini(&presets);
    if (st)
        return st;
    memcpy(trial->expected, trial->values, count * sizeof *trial->expected);
    return check_samples(trial);
}

rncl_status rncl_trial_create(rncl_context *context, const rncl_problem *problem, const rncl_trial_hook *hook,
                              rncl_trial **out)
{
    *out = NULL;
    rncl_trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "trial");
    trial->context = context;
    trial->problem = *problem;
    if (hook)
        trial->hook = *hook;
    trial->result = rncl_trial_result(problem->pass);
    rncl_trial_sizes(problem, trial->floats);
    rncl_status st = prepare(trial);
    if (st) {
        rncl_trial_destroy(trial);
        return st;
    }
    *out = trial;
    return RNCL_OK;
}

void rncl_trial_destroy(rncl_trial *trial)
{
    if (!trial)
        return;
    for (rncl_trial_tensor tensor = 0; tensor < RNCL_TRIAL_TENSORS; tensor++) {
        rncl_buffer_release(trial->buffers[tensor]);
        free(trial->inputs[tensor]);
    }
    free(trial->expected);
    free(trial->values);
    free(trial->blank);
    free(trial);
}
