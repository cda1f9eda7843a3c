/* SGD (kernels/sgd.cl). */
#include "sgd.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"

struct rncl_sgd {
    rncl_context *context;
    int count, vw;
    rncl_kernel update;
};

rncl_status rncl_sgd_create(rncl_context *context, size_t count, rncl_sgd **out)
{
    *out = NULL;
    if (count == 0 || count > INT_MAX - 4096)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "SGD over %zu parameters", count);
    rncl_sgd *sgd = calloc(1, sizeof *sgd);
    if (!sgd)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "SGD");
    sgd->context = context;
    sgd->count = (int)count;
    sgd->vw = rncl_elementwise_width(context, sgd->count);
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", sgd->vw);
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

rncl_status rncl_sgd_enqueue(rncl_sgd *sgd, const rncl_sgd_step *step)
{
    assert(step->first + step->count <= (size_t)sgd->count && step->first % (size_t)sgd->vw == 0 &&
           step->count % (size_t)sgd->vw == 0);
    const int first = (int)step->first, end = (int)(step->first + step->count);
    return rncl_launch(sgd->context, &sgd->update, rncl_elementwise_range(sgd->context, step->count, sgd->vw),
                       RNCL_INT(first), RNCL_INT(end), RNCL_FLOAT(step->lr), RNCL_FLOAT(step->momentum),
                       RNCL_FLOAT(step->weight_decay), RNCL_BUFFER(step->gradient),
                       RNCL_BUFFER(step->velocity), RNCL_BUFFER(step->weight));
}
