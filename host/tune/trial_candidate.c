/* Settings as operations. */
#include "trial_candidate.h"

#include <string.h>

#include "util.h"

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_problem *problem,
                                const rncl_setting *setting, rncl_candidate *out)
{
    rncl_context *context = tensors->context;
    rncl_setting asked = setting ? *setting : (rncl_setting){0};
    const rncl_op_choice choice = {
        .tuned = {.lookup = setting ? answer : NULL, .state = &asked},
        .left_out = ~RNCL_PASS_BIT(problem->pass),
    };
    *out = (rncl_candidate){.pass = problem->pass};
    RNCL_TRY(rncl_op_create(context, &problem->desc, &choice, &out->op));
    if (setting && !out->op->tuned)
        return RNCL_FAIL(RNCL_ERR_USAGE, "not possible here");
    RNCL_TRY(rncl_op_build(out->op));
#define X(name) out->buffers.name = tensors->slots[RNCL_TRIAL_##name].buffer;
    RNCL_TRIAL_SLOTS(X)
#undef X
    const rncl_op_needs *needs = &out->op->needs;
    if (needs->packed_bytes)
        RNCL_TRY(rncl_buffer_create(context, needs->packed_bytes, &out->buffers.packed));
    if (needs->workspace_bytes)
        RNCL_TRY(rncl_buffer_create(context, needs->workspace_bytes, &out->buffers.workspace));
    return RNCL_OK;
}

void rncl_candidate_fini(rncl_candidate *c)
{
    rncl_op_destroy(c->op);
    rncl_buffer_release(c->buffers.packed);
    rncl_buffer_release(c->buffers.workspace);
    *c = (rncl_candidate){0};
}

void rncl_candidate_share_gradient(rncl_candidate *c)
{
    const rncl_op_needs *needs = &c->op->needs;
    if (!memcmp(&needs->residual, &needs->y, sizeof needs->y))
        c->buffers.dresidual = c->buffers.dy;
}

static rncl_status enqueue(rncl_candidate *c)
{
    RNCL_TRY(rncl_op_prepare(c->op, &c->buffers));
    if (c->pass == RNCL_OP_FORWARD)
        return rncl_op_forward(c->op, &c->buffers, RNCL_OP_TRAINING);
    return rncl_op_backward(c->op, &c->buffers, 0);
}

rncl_status rncl_candidate_run(rncl_candidate *c, unsigned calls, uint64_t *time_ns)
{
    uint64_t start = rncl_time_ns();
    for (unsigned i = 0; i < calls; i++)
        RNCL_TRY(enqueue(c));
    RNCL_TRY(rncl_context_finish(c->op->context));
    *time_ns = (rncl_time_ns() - start) / calls;
    return RNCL_OK;
}
