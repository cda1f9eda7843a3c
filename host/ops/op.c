/* Operations: plans, builds and runs their passes. */
#include "op.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Each operation's file ends in its table. */
#define X(stem) extern const rncl_op_type rncl_op_##stem;
RNCL_OP_LIST(X)
#undef X

static const rncl_op_type *const types[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = &rncl_op_##stem,
    RNCL_OP_LIST(X)
#undef X
};

/* Sizes of the shapes, which consist of integers without padding and so can be compared by memcmp. */
static const size_t shape_bytes[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = sizeof(rncl_##stem##_shape),
    RNCL_OP_LIST(X)
#undef X
};

/* Alignment of each pass's packed weights, in floats: kernels store whole vectors there. */
enum { PACKED_ALIGNMENT = 16 };

#define FOR_WANTED(op, pass)                                                                                 \
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++)                                                        \
        if (rncl_op_wants(op, pass))

const rncl_op_type *rncl_op_type_of(rncl_op_kind kind)
{
    return types[kind];
}

bool rncl_op_desc_equal(const rncl_op_desc *a, const rncl_op_desc *b)
{
    return a->kind == b->kind && !memcmp(&a->n, &b->n, shape_bytes[a->kind]);
}

bool rncl_op_wants(const rncl_op *op, int pass)
{
    const rncl_pass_type *p = &op->type->passes[pass];
    return p->name && !(op->choice.left_out & RNCL_PASS_BIT(pass)) && !(p->for_dx && op->choice.no_dx) &&
           !(p->for_parameters && op->choice.frozen);
}

/* The pass before this one whose packed weights this one reads too, or NULL. */
static const rncl_pass *packed_before(const rncl_op *op, int pass)
{
    const rncl_pass *own = &op->passes[pass];
    for (int i = 0; i < pass && own->row->packs_alike; i++)
        if (rncl_op_wants(op, i) && op->passes[i].row == own->row &&
            op->passes[i].packed_floats == own->packed_floats)
            return &op->passes[i];
    return NULL;
}

static rncl_status plan(rncl_op *op, rncl_context *context)
{
    size_t packed_floats = 0;
    RNCL_TRY(op->type->shape(&op->desc, &op->choice, &op->needs));
    FOR_WANTED (op, i) {
        rncl_pass *pass = &op->passes[i];
        *pass = (rncl_pass){.context = context, .desc = op->desc, .index = i, .choice = op->choice};
        RNCL_TRY(rncl_pass_plan(pass));
        const rncl_pass *same = packed_before(op, i);
        pass->packed_offset = same ? same->packed_offset : packed_floats;
        packed_floats += same ? 0 : rncl_round_up(pass->packed_floats, PACKED_ALIGNMENT);
        op->needs.workspace_bytes = MAX(op->needs.workspace_bytes, pass->workspace_bytes);
        op->needs.gradient_parts = MAX(op->needs.gradient_parts, pass->gradient_parts);
        op->needs.leaves_dz = op->needs.leaves_dz || pass->leaves_dz;
    }
    op->needs.packed_bytes = packed_floats * sizeof(float);
    if (op->passes[RNCL_OP_FORWARD].signs_bytes) {
        op->needs.saved_bytes += op->passes[RNCL_OP_FORWARD].signs_bytes;
        op->needs.backward_reads_y = false;
    }
    if (!op->choice.epilogue)
        op->needs.statistics_parts = op->passes[RNCL_OP_FORWARD].statistics_parts;
    return RNCL_OK;
}

rncl_status rncl_op_create(rncl_context *context, const rncl_op_desc *desc, const rncl_op_choice *choice,
                           rncl_op **out)
{
    *out = NULL;
    rncl_op *op = calloc(1, sizeof *op);
    if (!op)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "operation %s", types[desc->kind]->name);
    op->type = types[desc->kind];
    op->desc = *desc;
    if (choice)
        op->choice = *choice;
    rncl_status st = plan(op, context);
    if (st) {
        rncl_op_destroy(op);
        return st;
    }
    *out = op;
    return RNCL_OK;
}

void rncl_op_destroy(rncl_op *op)
{
    for (int i = 0; op && i < RNCL_OP_PASSES; i++)
        rncl_pass_fini(&op->passes[i]);
    free(op);
}

rncl_status rncl_op_build(rncl_op *op)
{
    FOR_WANTED (op, i)
        RNCL_TRY(op->passes[i].row->build(&op->passes[i]));
    return RNCL_OK;
}

rncl_status rncl_op_bind(rncl_op *op, cl_mem workspace)
{
    FOR_WANTED (op, i)
        if (op->passes[i].row->bind)
            RNCL_TRY(op->passes[i].row->bind(&op->passes[i], workspace));
    return RNCL_OK;
}

rncl_status rncl_op_prepare(rncl_op *op, const rncl_op_buffers *buffers)
{
    FOR_WANTED (op, i)
        if ((op->passes[i].packed_floats && !packed_before(op, i)) || op->needs.coefficients_bytes)
            RNCL_TRY(op->passes[i].row->prepare(&op->passes[i], buffers));
    return RNCL_OK;
}

rncl_status rncl_op_enqueue(rncl_op *op, int pass, const rncl_op_buffers *buffers,
                            const rncl_op_scalars *scalars)
{
    return op->passes[pass].row->enqueue(&op->passes[pass], buffers, scalars);
}

rncl_status rncl_op_forward(rncl_op *op, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars)
{
    return rncl_op_enqueue(op, RNCL_OP_FORWARD, buffers, scalars);
}

bool rncl_op_runs_backward(const rncl_op *op, int pass, const rncl_op_buffers *buffers)
{
    return rncl_op_wants(op, pass) && (buffers->dx || !op->type->passes[pass].for_dx);
}

rncl_status rncl_op_backward(rncl_op *op, const rncl_op_buffers *buffers, const rncl_op_scalars *scalars)
{
    for (int i = RNCL_OP_PASSES - 1; i >= RNCL_OP_BACKWARD; i--)
        if (rncl_op_runs_backward(op, i, buffers))
            RNCL_TRY(rncl_op_enqueue(op, i, buffers, scalars));
    return RNCL_OK;
}
