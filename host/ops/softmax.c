/* Softmax cross-entropy (kernels/softmax.cl). */
#include "softmax.h"

#include <stdlib.h>

#include "launch.h"
#include "util.h"

struct rncl_softmax {
    rncl_context *context;
    rncl_softmax_shape shape;
    rncl_kernel loss;
};

rncl_status rncl_softmax_create(rncl_context *context, const rncl_softmax_shape *shape, rncl_softmax **out)
{
    *out = NULL;
    rncl_softmax *softmax = calloc(1, sizeof *softmax);
    if (!softmax)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "softmax");
    softmax->context = context;
    softmax->shape = *shape;
    rncl_status st = rncl_kernel_create(context, "softmax", "", "softmax_loss", &softmax->loss);
    if (st) {
        rncl_softmax_destroy(softmax);
        return st;
    }
    *out = softmax;
    return RNCL_OK;
}

void rncl_softmax_destroy(rncl_softmax *softmax)
{
    if (!softmax)
        return;
    rncl_kernel_fini(&softmax->loss);
    free(softmax);
}

rncl_status rncl_softmax_enqueue(rncl_softmax *softmax, const rncl_softmax_buffers *b)
{
    rncl_range range = {.global = {rncl_round_up((size_t)softmax->shape.n, 8)}, .local = {8, 1, 1}};
    return rncl_launch(softmax->context, &softmax->loss, range, RNCL_STRUCT(softmax->shape),
                       RNCL_INT(b->first), RNCL_BUFFER(b->logits), RNCL_BUFFER(b->labels),
                       RNCL_BUFFER(b->weights), RNCL_FLOAT(b->smoothing), RNCL_FLOAT(b->mix),
                       RNCL_FLOAT(b->scale), RNCL_BUFFER(b->losses), RNCL_BUFFER(b->ranks),
                       RNCL_BUFFER(b->dlogits));
}
