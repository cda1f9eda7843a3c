/* Runs, checks and times candidates on a device. */
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "slice.h"
#include "trial_candidate.h"
#include "util.h"

enum {
    ROUNDS = 3,
    COMPARE_ROUNDS = 5,
    MOST_COMPARED = 4,
};

/* Candidates are called repeatedly for about this long, since shorter times are inaccurate. */
#define STRETCH_NS UINT64_C(10000000)

struct rncl_trial {
    rncl_spec_case c;
    rncl_trial_hook hook;
    const rncl_spec *spec;
    const rncl_spec_pass *pass;
    rncl_trial_tensors tensors;
    void *before[RNCL_SLOTS];   /* initial values of results that are updated in place */
    void *expected[RNCL_SLOTS]; /* the presets' results */
};

static unsigned calls_for(uint64_t time_ns)
{
    return (unsigned)(STRETCH_NS / MAX(time_ns, 1) + 1);
}

static rncl_status check_floats(const float *values, const float *expected, size_t count,
                                rncl_tolerance tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!rncl_tolerance_allows(tolerance, (double)values[i], (double)expected[i]))
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %zu is %g, expected %g", i, (double)values[i],
                             (double)expected[i]);
    return RNCL_OK;
}

/* Both results may be off by the tolerance, so that it counts twice. `saved` and integers must be equal
 * bit for bit. */
static rncl_status check_result(const rncl_trial *trial, rncl_slot slot)
{
    const rncl_trial_tensor *t = &trial->tensors.slots[slot];
    const bool bits = slot == RNCL_SLOT_saved || RNCL_INTEGER_SLOTS & 1u << slot;
    if (!t->size_bytes)
        return RNCL_OK;
    if (!bits) {
        const rncl_tolerance once = rncl_slice_tolerance(&trial->c, slot);
        return check_floats(t->values, trial->expected[slot], t->size_bytes / sizeof(float),
                            (rncl_tolerance){.fixed = 2 * once.fixed, .of_value = 2 * once.of_value});
    }
    if (memcmp(t->values, trial->expected[slot], t->size_bytes) != 0)
        return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, slot == RNCL_SLOT_saved
                                                    ? "the data kept for the backward pass is wrong"
                                                    : "an integer is wrong");
    return RNCL_OK;
}

static rncl_status check_all(const rncl_trial *trial)
{
    RNCL_FOR_SLOTS (trial->pass->results, slot)
        RNCL_TRY(check_result(trial, slot));
    return RNCL_OK;
}

/* Gives the first result to the hook, with which tests plant faults. */
static void tell_hook(const rncl_trial *trial, const rncl_setting *setting)
{
    RNCL_FOR_SLOTS (trial->pass->results, slot) {
        const rncl_trial_tensor *t = &trial->tensors.slots[slot];
        trial->hook.result(trial->hook.user, setting, t->values, t->size_bytes / sizeof(float));
        return;
    }
}

/* Runs once with results filled with NaN, so that missing values are found. */
static rncl_status run_once(rncl_trial *trial, rncl_candidate *c, const rncl_setting *setting,
                            uint64_t *time_ns)
{
    RNCL_FOR_SLOTS (trial->pass->results, slot) {
        const rncl_trial_tensor *t = &trial->tensors.slots[slot];
        if (trial->before[slot])
            memcpy(t->values, trial->before[slot], t->size_bytes);
        else if (t->size_bytes)
            memset(t->values, 0xff, t->size_bytes);
        RNCL_TRY(rncl_trial_upload(&trial->tensors, slot));
    }
    RNCL_TRY(rncl_candidate_run(c, 1, time_ns));
    RNCL_FOR_SLOTS (trial->pass->results, slot)
        RNCL_TRY(rncl_trial_download(&trial->tensors, slot));
    if (trial->hook.result && setting)
        tell_hook(trial, setting);
    return RNCL_OK;
}

/* The first call may include work that the driver deferred; the least time of all calls counts. */
static rncl_status time_candidate(rncl_candidate *c, uint64_t drop_ns, uint64_t *time_ns)
{
    rncl_candidate_share_gradient(c);
    RNCL_TRY(rncl_candidate_run(c, 1, time_ns));
    if (drop_ns && *time_ns > drop_ns)
        return RNCL_OK;
    unsigned calls = calls_for(*time_ns);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t time;
        RNCL_TRY(rncl_candidate_run(c, calls, &time));
        *time_ns = MIN(*time_ns, time);
    }
    return RNCL_OK;
}

rncl_status rncl_trial_run(rncl_trial *trial, const rncl_setting *setting, uint64_t drop_ns,
                           uint64_t *time_ns)
{
    rncl_candidate c;
    rncl_status st = rncl_candidate_init(&trial->tensors, &trial->c, setting, &c);
    if (!st)
        st = run_once(trial, &c, setting, time_ns);
    if (!st)
        st = check_all(trial);
    if (!st)
        st = time_candidate(&c, drop_ns, time_ns);
    rncl_candidate_fini(&c);
    return st;
}

static rncl_status compare(rncl_candidate *candidates, size_t count, uint64_t *times_ns)
{
    unsigned calls[MOST_COMPARED];
    for (size_t i = 0; i < count; i++) {
        rncl_candidate_share_gradient(&candidates[i]);
        RNCL_TRY(rncl_candidate_run(&candidates[i], 1, &times_ns[i]));
        calls[i] = calls_for(times_ns[i]);
    }
    for (int round = 0; round < COMPARE_ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            uint64_t time;
            RNCL_TRY(rncl_candidate_run(&candidates[i], calls[i], &time));
            times_ns[i] = MIN(times_ns[i], time);
        }
    return RNCL_OK;
}

rncl_status rncl_trial_compare(rncl_trial *trial, const rncl_setting *settings, size_t count,
                               uint64_t *times_ns)
{
    rncl_candidate candidates[MOST_COMPARED] = {0};
    rncl_status st = RNCL_OK;
    if (count > MOST_COMPARED)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%zu settings at once", count);
    for (size_t i = 0; i < count && !st; i++)
        st = rncl_candidate_init(&trial->tensors, &trial->c, &settings[i], &candidates[i]);
    if (!st)
        st = compare(candidates, count, times_ns);
    for (size_t i = 0; i < count; i++)
        rncl_candidate_fini(&candidates[i]);
    return st;
}

static void set_value(const rncl_trial_tensor *t, rncl_slot slot, size_t i, double value)
{
    if (RNCL_INTEGER_SLOTS & 1u << slot)
        ((int32_t *)t->values)[i] = (int32_t)value;
    else
        ((float *)t->values)[i] = (float)value;
}

static rncl_status draw(rncl_trial *trial)
{
    RNCL_FOR_SLOTS (trial->pass->reads, slot) {
        const rncl_trial_tensor *t = &trial->tensors.slots[slot];
        rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 0, (uint32_t)slot);
        for (size_t i = 0; i < t->size_bytes / sizeof(float); i++) {
            const double value = (double)rncl_random_normal(&random);
            set_value(t, slot, i,
                      trial->spec->adjust ? trial->spec->adjust(&trial->c, slot, i, value) : value);
        }
        RNCL_TRY(rncl_trial_upload(&trial->tensors, slot));
    }
    return RNCL_OK;
}

static rncl_status keep_updated(rncl_trial *trial)
{
    RNCL_FOR_SLOTS (trial->pass->reads & trial->pass->results, slot) {
        const rncl_trial_tensor *t = &trial->tensors.slots[slot];
        trial->before[slot] = malloc(t->size_bytes);
        if (!trial->before[slot])
            return RNCL_FAIL(RNCL_ERR_MEMORY, "a tensor of %zu bytes", t->size_bytes);
        memcpy(trial->before[slot], t->values, t->size_bytes);
    }
    return RNCL_OK;
}

static rncl_status run_forward(rncl_trial *trial, const rncl_op_desc *desc)
{
    const rncl_spec_case forward = rncl_spec_training_case(desc, RNCL_OP_FORWARD);
    rncl_candidate presets;
    uint64_t ignored;
    rncl_status st = rncl_candidate_init(&trial->tensors, &forward, NULL, &presets);
    if (!st)
        st = rncl_candidate_run(&presets, 1, &ignored);
    rncl_candidate_fini(&presets);
    return st;
}

/* Sets dy to zero where rounding decides whether it passes the ReLU. */
static rncl_status clear_kinks(rncl_trial *trial)
{
    const rncl_trial_tensor *y = &trial->tensors.slots[RNCL_SLOT_y],
                            *dy = &trial->tensors.slots[RNCL_SLOT_dy];
    rncl_op_desc smooth = trial->c.desc;
    if (!trial->spec->smooth || !trial->spec->smooth(&smooth))
        return RNCL_OK;
    RNCL_TRY(run_forward(trial, &smooth));
    RNCL_TRY(rncl_trial_download(&trial->tensors, RNCL_SLOT_y));
    for (size_t i = 0; i < y->size_bytes / sizeof(float); i++)
        if (fabs((double)((const float *)y->values)[i]) < RNCL_SPEC_KINK)
            ((float *)dy->values)[i] = 0.0f;
    return rncl_trial_upload(&trial->tensors, RNCL_SLOT_dy);
}

static rncl_status make_inputs(rncl_trial *trial)
{
    RNCL_TRY(draw(trial));
    RNCL_TRY(keep_updated(trial));
    if (!trial->pass->made)
        return RNCL_OK;
    RNCL_TRY(clear_kinks(trial));
    return run_forward(trial, &trial->c.desc);
}

static rncl_status run_presets(rncl_trial *trial)
{
    rncl_candidate presets;
    uint64_t ignored;
    rncl_status st = rncl_candidate_init(&trial->tensors, &trial->c, NULL, &presets);
    if (!st)
        st = run_once(trial, &presets, NULL, &ignored);
    rncl_candidate_fini(&presets);
    return st;
}

/* Computes the expected results by the presets and checks them. Then frees the host's copies of all other
 * tensors. */
static rncl_status make_expected(rncl_trial *trial)
{
    const unsigned results = trial->pass->results;
    const void *inputs[RNCL_SLOTS] = {NULL}, *made[RNCL_SLOTS] = {NULL};
    RNCL_TRY(run_presets(trial));
    RNCL_FOR_SLOTS (trial->pass->reads, slot)
        inputs[slot] = trial->before[slot] ? trial->before[slot] : trial->tensors.slots[slot].values;
    RNCL_FOR_SLOTS (results, slot)
        made[slot] = trial->tensors.slots[slot].values;
    RNCL_TRY(rncl_slice_check(&trial->c, inputs, made));
    RNCL_FOR_SLOTS (~results, slot) {
        free(trial->tensors.slots[slot].values);
        trial->tensors.slots[slot].values = NULL;
    }
    RNCL_FOR_SLOTS (results, slot) {
        rncl_trial_tensor *t = &trial->tensors.slots[slot];
        trial->expected[slot] = t->values;
        t->values = t->size_bytes ? malloc(t->size_bytes) : NULL;
        if (t->size_bytes && !t->values)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "a result of %zu bytes", t->size_bytes);
    }
    return RNCL_OK;
}

/* All slots of the pass, and the inputs of the forward pass where this one reads its results. */
static unsigned slots_of(const rncl_trial *trial)
{
    const unsigned of_pass = trial->pass->reads | trial->pass->made | trial->pass->results;
    const unsigned of_forward = trial->pass->made ? trial->spec->passes[RNCL_OP_FORWARD].reads : 0;
    return of_pass | of_forward | RNCL_SLOT_BIT(saved);
}

rncl_status rncl_trial_create(rncl_context *context, const rncl_problem *problem, const rncl_trial_hook *hook,
                              rncl_trial **out)
{
    *out = NULL;
    rncl_trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "trial");
    trial->c = rncl_spec_training_case(&problem->desc, problem->pass);
    trial->c.rounding = rncl_precision_rounding(context->precision);
    trial->spec = rncl_spec_of(problem->desc.kind);
    trial->pass = &trial->spec->passes[problem->pass];
    if (hook)
        trial->hook = *hook;
    rncl_status st = rncl_trial_tensors_init(context, &trial->c, slots_of(trial), &trial->tensors);
    trial->c.elements = trial->tensors.elements;
    if (!st)
        st = make_inputs(trial);
    if (!st)
        st = make_expected(trial);
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
    rncl_trial_tensors_fini(&trial->tensors);
    RNCL_FOR_SLOTS (~0u, slot) {
        free(trial->before[slot]);
        free(trial->expected[slot]);
    }
    free(trial);
}
