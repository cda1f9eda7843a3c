/* Batch normalisation by a single work-item (kernels/single/batchnorm.clh). */
#include "single.h"

static rncl_status forward(rncl_pass *pass, const rncl_op_buffers *b, bool batch)
{
    return rncl_single_launch(pass, RNCL_STRUCT(pass->desc.batchnorm), RNCL_INT(batch), RNCL_BUFFER(b->x),
                              RNCL_BUFFER(b->residual), RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias),
                              RNCL_BUFFER(b->running_mean), RNCL_BUFFER(b->running_variance),
                              RNCL_BUFFER(b->saved), RNCL_BUFFER(b->y));
}

static rncl_status backward(rncl_pass *pass, const rncl_op_buffers *b, unsigned flags)
{
    return rncl_single_launch(pass, RNCL_STRUCT(pass->desc.batchnorm), RNCL_INT(pass->choice.frozen),
                              RNCL_BUFFER(b->x), RNCL_BUFFER(b->y), RNCL_BUFFER(b->dy), RNCL_BUFFER(b->saved),
                              RNCL_BUFFER(b->weight), RNCL_BUFFER(b->bias), RNCL_BUFFER(b->dweight),
                              RNCL_BUFFER(b->dbias), RNCL_INT((flags & RNCL_OP_ACCUMULATE_PARAMS) != 0),
                              RNCL_BUFFER(b->dx), RNCL_BUFFER(b->dresidual),
                              RNCL_INT((flags & RNCL_OP_ACCUMULATE_DX) != 0));
}

/* Statistics that a convolution has left (choice.statistics_parts) are computed again. */
static rncl_status enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    if (pass->index == RNCL_OP_FORWARD)
        return forward(pass, b, scalars->flags & RNCL_OP_TRAINING && !pass->choice.frozen);
    return backward(pass, b, scalars->flags);
}

const rncl_row rncl_batchnorm_single = {
    RNCL_SINGLE_ROW,
    .build = rncl_single_build,
    .enqueue = enqueue,
};
