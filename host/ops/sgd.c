/* SGD (kernels/sgd.cl). */
#include "sgd.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"
#include "op_types.h"

struct rncl_sgd {
    rncl_context *context;
    int count;
    bool tuned;
    rncl_elementwise frame;
    rncl_kernel update;
};

static void sgd_knobs(const rncl_tunable *t, rncl_knobs *knobs)
{
    rncl_elementwise_add_knobs(t->context, t->desc.sgd.n, knobs);
}

const rncl_op_type rncl_op_sgd = {
    .name = "sgd",
    .passes = {{.name = "update"}},
    .kernels = "sgd elementwise",
    .knobs = sgd_knobs,
};

rncl_status rncl_sgd_create(rncl_context *context, size_t count, const rncl_tuned *tuned, rncl_sgd **out)
{
    *out = NULL;
    if (count == 0 || count > INT_MAX - 4096)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "SGD over %zu parameters", count);
    rncl_sgd *sgd = calloc(1, sizeof *sgd);
    if (!sgd)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "SGD");
    sgd->context = context;
    sgd->count = (int)count;
    rncl_tunable t = {.context = context, .desc = {.kind = RNCL_OP_sgd, .sgd = {sgd->count}}};
    sgd->tuned = rncl_tunable_resolve(&t, tuned);
    sgd->frame = rncl_elementwise_of(t.values);
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", sgd->frame.vw);
    rncl_status st = rncl_kernel_create(context, "sgd", options, "sgd_update", &sgd->update);
    if (st) {
        rncl_sgd_destroy(sgd);
        return st;
    }
    *out = sgd;
    return RNCL_OK;
}

void rncl_sgd_destroy(rncl_sgd *sgd)
{
    if (!sgd)
        return;
    rncl_kernel_fini(&sgd->update);
    free(sgd);
}

bool rncl_sgd_tuned(const rncl_sgd *sgd)
{
    return sgd->tuned;
}

rncl_status rncl_sgd_enqueue(rncl_sgd *sgd, const rncl_sgd_step *step)
{
    const rncl_elementwise *frame = &sgd->frame;
    assert(step->first + step->count <= (size_t)sgd->count && step->first % (size_t)frame->vw == 0 &&
           step->count % (size_t)frame->vw == 0);
    const int first = (int)step->first, end = (int)(step->first + step->count);
    return rncl_launch(sgd->context, &sgd->update, rncl_elementwise_frame(frame, step->count),
                       RNCL_INT(first), RNCL_INT(end), RNCL_INT(frame->per), RNCL_FLOAT(step->lr),
                       RNCL_FLOAT(step->momentum), RNCL_FLOAT(step->weight_decay),
                       RNCL_BUFFER(step->gradient), RNCL_BUFFER(step->velocity), RNCL_BUFFER(step->weight));
}
