/* From a description to its operation's table. */
#include "op.h"

#include <stdlib.h>
#include <string.h>

#include "op_types.h"

static const rncl_op_type *const types[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = &rncl_op_##stem,
    RNCL_OP_LIST(X) RNCL_STEP_LIST(X)
#undef X
};

/* Of the shapes, which are integers and nothing between them. */
static const size_t shape_bytes[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = sizeof(rncl_##stem##_shape),
    RNCL_OP_LIST(X) RNCL_STEP_LIST(X)
#undef X
};

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
    const rncl_op_pass *p = &op->type->passes[pass];
    return p->name && !(op->choice.left_out & RNCL_PASS_BIT(pass)) && !(p->for_dx && op->choice.no_dx) &&
           !(p->for_parameters && op->choice.frozen);
}

rncl_status rncl_op_create(rncl_context *context, const rncl_op_desc *desc, const rncl_op_choice *choice,
                           rncl_op **out)
{
    *out = NULL;
    rncl_op *op = calloc(1, sizeof *op);
    if (!op)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "operation %s", types[desc->kind]->name);
    op->type = types[desc->kind];
    op->context = context;
    op->desc = *desc;
    if (choice)
        op->choice = *choice;
    rncl_status st = op->type->plan(op);
    if (st) {
        rncl_op_destroy(op);
        return st;
    }
    *out = op;
    return RNCL_OK;
}

void rncl_op_destroy(rncl_op *op)
{
    if (!op)
        return;
    op->type->destroy(op);
    free(op);
}

rncl_status rncl_op_build(rncl_op *op)
{
    return op->type->build(op);
}

rncl_status rncl_op_prepare(rncl_op *op, const rncl_op_buffers *buffers)
{
    return op->type->prepare ? op->type->prepare(op, buffers) : RNCL_OK;
}

rncl_status rncl_op_forward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags)
{
    return op->type->forward(op, buffers, flags);
}

rncl_status rncl_op_backward(rncl_op *op, const rncl_op_buffers *buffers, unsigned flags)
{
    return op->type->backward(op, buffers, flags);
}
