/* From a description to its operation's table. */
#include "op.h"

#include <stdlib.h>

#include "op_types.h"

static const rncl_op_type *const types[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = &rncl_op_##stem,
    RNCL_OP_LIST(X)
#undef X
};

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
