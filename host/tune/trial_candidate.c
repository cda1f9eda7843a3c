/* Settings as operations. */
#include "trial_candidate.h"

#include <assert.h>
#include <string.h>

#include "tunable.h"
#include "util.h"

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

static rncl_status create_op(rncl_candidate *c, const rncl_tuned *tuned)
{
    const rncl_op_choice choice = {.tuned = *tuned, .left_out = ~RNCL_PASS_BIT(c->problem.pass)};
    RNCL_TRY(rncl_op_create(c->context, &c->problem.desc, &choice, &c->op));
    RNCL_TRY(rncl_op_build(c->op));
#define X(name) c->buffers.name = c->slots[RNCL_TRIAL_##name];
    RNCL_TRIAL_OP_SLOTS(X)
#undef X
    const rncl_op_needs *needs = &c->op->needs;
    if (needs->packed_bytes)
        RNCL_TRY(rncl_buffer_create(c->context, needs->packed_bytes, &c->buffers.packed));
    if (needs->workspace_bytes)
        RNCL_TRY(rncl_buffer_create(c->context, needs->workspace_bytes, &c->buffers.workspace));
    return RNCL_OK;
}

rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_trial_operation *operation,
                                const rncl_problem *problem, const rncl_setting *setting, rncl_candidate *out)
{
    rncl_tunable possible = {.context = tensors->context, .desc = problem->desc, .pass = problem->pass};
    rncl_setting asked = setting ? *setting : (rncl_setting){0};
    const rncl_tuned tuned = {.lookup = setting ? answer : NULL, .state = &asked};
    *out = (rncl_candidate){.context = tensors->context, .problem = *problem, .step = operation->step};
    for (rncl_trial_slot slot = 0; slot < RNCL_TRIAL_SLOT_COUNT; slot++)
        out->slots[slot] = tensors->slots[slot].buffer;
    if (setting && !rncl_tunable_take(&possible, setting))
        return RNCL_FAIL(RNCL_ERR_USAGE, "not possible here");
    return out->step ? out->step->create(out->context, &problem->desc, &tuned, &out->subject)
                     : create_op(out, &tuned);
}

void rncl_candidate_fini(rncl_candidate *c)
{
    if (c->subject)
        c->step->destroy(c->subject);
    rncl_op_destroy(c->op);
    rncl_buffer_release(c->buffers.packed);
    rncl_buffer_release(c->buffers.workspace);
    *c = (rncl_candidate){0};
}

void rncl_candidate_share_gradient(rncl_candidate *c)
{
    if (c->op && !memcmp(&c->op->needs.residual, &c->op->needs.y, sizeof c->op->needs.y))
        c->buffers.dresidual = c->buffers.dy;
}

static rncl_status enqueue(rncl_candidate *c)
{
    if (c->step)
        return c->step->enqueue(c->subject, &c->problem.desc, c->slots);
    RNCL_TRY(rncl_op_prepare(c->op, &c->buffers));
    if (c->problem.pass == RNCL_OP_FORWARD)
        return rncl_op_forward(c->op, &c->buffers, RNCL_OP_TRAINING);
    return rncl_op_backward(c->op, &c->buffers, 0);
}

rncl_status rncl_candidate_run(rncl_candidate *c, unsigned calls, uint64_t *time_ns)
{
    assert(calls > 0);
    uint64_t start = rncl_time_ns();
    for (unsigned i = 0; i < calls; i++)
        RNCL_TRY(enqueue(c));
    RNCL_TRY(rncl_context_finish(c->context));
    *time_ns = (rncl_time_ns() - start) / calls;
    return RNCL_OK;
}
