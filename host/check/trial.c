/* Runs a trial twice and judges what came out. */
#include "trial.h"

#include <math.h>
#include <stdio.h>

#include "util.h"

static const char *const slot_names[] = {
#define X(name) [CHECK_##name] = #name,
    CHECK_OP_SLOTS(X) CHECK_OTHER_SLOTS(X)
#undef X
};

static const struct {
    check_fault fault;
    const char *text;
} fault_texts[] = {
    {CHECK_OUTSIDE, "memory outside it was written"},
    {CHECK_CHANGED, "was changed by a pass that only reads it"},
    {CHECK_DIFFERENT, "two runs differ"},
};

#define FOR_TENSORS(trial, tensor)                                                                           \
    for (check_tensor *tensor = (trial)->tensors; tensor < (trial)->tensors + CHECK_SLOT_COUNT; tensor++)    \
        if (tensor->role != CHECK_ABSENT)

void check_declare(check_trial *trial, check_slot slot, check_role role, check_phase phase, size_t size_bytes)
{
    if (size_bytes)
        trial->tensors[slot] = (check_tensor){
            .role = role, .phase = phase, .size_bytes = size_bytes, .salt = (unsigned)slot, .length = 1.0};
}

void check_expect(check_trial *trial, check_slot slot, double length, double typical)
{
    trial->tensors[slot].length = length;
    trial->tensors[slot].typical = typical;
}

void check_allow_rounding(check_trial *trial, check_slot slot)
{
    trial->tensors[slot].rounds = true;
}

static rncl_status create_tensors(check_trial *trial)
{
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_create(trial->context, tensor));
    return RNCL_OK;
}

/* Inputs, and from them what should come out. */
static void prepare(check_trial *trial)
{
    const check_operation *operation = trial->operation;
    FOR_TENSORS (trial, tensor)
        check_tensor_fill(tensor, &trial->random, trial->variant->integers);
    if (operation->fill)
        operation->fill(trial);
    operation->reference(trial);
    FOR_TENSORS (trial, tensor)
        for (size_t i = 0; tensor->role == CHECK_ADDED && i < check_tensor_count(tensor); i++)
            tensor->reference[i] += (double)((const float *)tensor->initial)[i];
}

static rncl_status finish_phase(check_trial *trial, check_phase phase, int run)
{
    RNCL_TRY(rncl_context_finish(trial->context));
    FOR_TENSORS (trial, tensor) {
        if (check_tensor_is_result(tensor) && tensor->phase == phase)
            RNCL_TRY(check_tensor_download(trial->context, tensor, run));
        if (tensor->dead)
            RNCL_TRY(check_tensor_poison(trial->context, tensor));
    }
    return RNCL_OK;
}

static rncl_status run_once(check_trial *trial, int run)
{
    const check_phase last = (check_phase)(trial->phases - 1);
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_upload(trial->context, tensor));
    for (check_phase phase = CHECK_FORWARD; phase <= last; phase++) {
        RNCL_TRY(trial->operation->launch(trial, phase));
        RNCL_TRY(finish_phase(trial, phase, run));
    }
    FOR_TENSORS (trial, tensor)
        RNCL_TRY(check_tensor_inspect(trial->context, tensor, run, last));
    return RNCL_OK;
}

typedef struct sink {
    void (*report)(void *user, const rncl_check_result *result);
    void *user;
} sink;

/* A result, named "conv/direct SHAPE, VARIANT: dx" and then `remark`. */
static void report(const check_trial *trial, const check_tensor *tensor, const char *remark, double error,
                   double tolerance, const sink *to)
{
    char shape[80];
    trial->operation->describe(&trial->shape, shape, sizeof shape);
    rncl_check_result result = {.error = error, .tolerance = tolerance, .ok = error <= tolerance};
    snprintf(result.name, sizeof result.name, "%s%s%s %s, %s: %s%s%s", trial->operation->name,
             trial->algorithm ? "/" : "", trial->algorithm ? trial->algorithm : "", shape,
             trial->variant->name, slot_names[tensor - trial->tensors], remark ? ": " : "",
             remark ? remark : "");
    to->report(to->user, &result);
}

/* One result for each tensor that the reference knows, and one for each fault of any tensor. */
static void judge(const check_trial *trial, const sink *to)
{
    for (const check_tensor *tensor = trial->tensors; tensor < trial->tensors + CHECK_SLOT_COUNT; tensor++) {
        for (size_t i = 0; i < COUNT(fault_texts); i++)
            if (tensor->faults & (unsigned)fault_texts[i].fault)
                report(trial, tensor, fault_texts[i].text, RNCL_CHECK_BROKEN, 0.0, to);
        if (!check_tensor_is_result(tensor))
            continue;
        bool exact = (trial->variant->integers || tensor->integers) && !tensor->rounds;
        double error = check_tensor_error(tensor);
        report(trial, tensor, error < RNCL_CHECK_BROKEN ? NULL : "holds values that are not numbers", error,
               exact ? 0.0 : 1e-6 * sqrt(tensor->length), to);
    }
}

rncl_status check_trial_run(check_trial *trial,
                            void (*report_result)(void *user, const rncl_check_result *result), void *user)
{
    rncl_status st = trial->operation->create(trial);
    if (!st)
        st = create_tensors(trial);
    if (!st) {
        prepare(trial);
        st = run_once(trial, 0);
    }
    if (!st)
        st = run_once(trial, 1);
    if (!st)
        judge(trial, &(sink){report_result, user});
    FOR_TENSORS (trial, tensor)
        check_tensor_destroy(tensor);
    trial->operation->destroy(trial);
    return st;
}
