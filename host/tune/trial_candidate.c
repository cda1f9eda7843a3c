/* Turns a setting into an operation that can be run. */
#include "trial_candidate.h"

#include <assert.h>

#include "util.h"

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

rncl_status rncl_candidate_init(const rncl_trial_tensors *tensors, const rncl_spec_case *c,
                                const rncl_setting *setting, rncl_candidate *out)
{
    rncl_pass possible = {.context = tensors->context, .desc = c->desc, .index = c->pass};
    rncl_setting asked = setting ? *setting : (rncl_setting){0};
    const rncl_op_choice choice = {.tuned = {.lookup = setting ? answer : NULL, .state = &asked},
                                   .left_out = ~RNCL_PASS_BIT(c->pass)};
    *out = (rncl_candidate){.context = tensors->context, .c = *c};
    for (rncl_slot slot = 0; slot < RNCL_SLOTS; slot++)
        out->buffers.slots[slot] = tensors->slots[slot].buffer;
    if (setting && !rncl_pass_take(&possible, setting))
        return RNCL_FAIL(RNCL_ERR_USAGE, "the setting is not possible for this shape and device");
    RNCL_TRY(rncl_op_create(out->context, &c->desc, &choice, &out->op));
    RNCL_TRY(rncl_op_build(out->op));
    const rncl_op_needs *needs = &out->op->needs;
    if (needs->packed_bytes)
        RNCL_TRY(rncl_buffer_create(out->context, needs->packed_bytes, &out->buffers.packed));
    if (needs->workspace_bytes)
        RNCL_TRY(rncl_buffer_create(out->context, needs->workspace_bytes, &out->buffers.workspace));
    return rncl_op_bind(out->op, out->buffers.workspace);
}

void rncl_candidate_fini(rncl_candidate *candidate)
{
    rncl_op_destroy(candidate->op);
    rncl_buffer_release(candidate->buffers.packed);
    rncl_buffer_release(candidate->buffers.workspace);
    *candidate = (rncl_candidate){0};
}

void rncl_candidate_share_gradient(rncl_candidate *candidate)
{
    const rncl_spec *spec = rncl_spec_of(candidate->c.desc.kind);
    const rncl_spec_layout residual = spec->layout(&candidate->c, RNCL_SLOT_residual),
                           y = spec->layout(&candidate->c, RNCL_SLOT_y);
    if (candidate->buffers.dresidual && rncl_spec_layout_equal(&residual, &y))
        candidate->buffers.dresidual = candidate->buffers.dy;
}

rncl_status rncl_candidate_run(rncl_candidate *candidate, unsigned calls, uint64_t *time_ns)
{
    assert(calls > 0);
    uint64_t start = rncl_time_ns();
    for (unsigned i = 0; i < calls; i++) {
        RNCL_TRY(rncl_op_prepare(candidate->op, &candidate->buffers));
        RNCL_TRY(
            rncl_op_enqueue(candidate->op, candidate->c.pass, &candidate->buffers, &candidate->c.scalars));
    }
    RNCL_TRY(rncl_context_finish(candidate->context));
    *time_ns = (rncl_time_ns() - start) / calls;
    return RNCL_OK;
}
