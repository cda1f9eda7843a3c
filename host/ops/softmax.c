/* Softmax cross-entropy (kernels/softmax.cl). */
#include "softmax.h"

#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"

struct rncl_softmax {
    rncl_context *context;
    rncl_softmax_shape shape;
    bool tuned;
    rncl_elementwise frame;
    rncl_kernel loss;
};

/* Rows are the elements, whole: sums over classes keep their order. */
static void softmax_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    rncl_elementwise_add_width(t->context, 1, knobs);
    rncl_elementwise_add_frame(t->context, 8, knobs);
}

const rncl_op_type rncl_op_softmax = {
    .name = "softmax",
    .passes = {{.name = "loss"}},
    .kernels = "softmax elementwise",
    .knobs = softmax_knobs,
};

rncl_status rncl_softmax_create(rncl_context *context, const rncl_softmax_shape *shape,
                                const rncl_tuned *tuned, rncl_softmax **out)
{
    *out = NULL;
    rncl_softmax *softmax = calloc(1, sizeof *softmax);
    if (!softmax)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "softmax");
    softmax->context = context;
    softmax->shape = *shape;
    rncl_tunable t = {.context = context, .desc = {.kind = RNCL_OP_softmax, .softmax = *shape}};
    softmax->tuned = rncl_tunable_resolve(&t, tuned);
    softmax->frame = rncl_elementwise_of(t.values);
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

bool rncl_softmax_tuned(const rncl_softmax *softmax)
{
    return softmax->tuned;
}

rncl_status rncl_softmax_enqueue(rncl_softmax *softmax, const rncl_softmax_buffers *b)
{
    const rncl_elementwise *frame = &softmax->frame;
    return rncl_launch(
        softmax->context, &softmax->loss, rncl_elementwise_frame(frame, (size_t)softmax->shape.n),
        RNCL_STRUCT(softmax->shape), RNCL_INT(b->first), RNCL_INT(frame->per), RNCL_BUFFER(b->logits),
        RNCL_BUFFER(b->labels), RNCL_BUFFER(b->weights), RNCL_FLOAT(b->smoothing), RNCL_FLOAT(b->mix),
        RNCL_FLOAT(b->scale), RNCL_BUFFER(b->losses), RNCL_BUFFER(b->ranks), RNCL_BUFFER(b->dlogits));
}
