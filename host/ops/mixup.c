/* Mixup (kernels/mixup.cl). */
#include "mixup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"

struct rncl_mixup {
    rncl_context *context;
    int n, floats, vw;
    rncl_kernel kernel;
};

rncl_status rncl_mixup_create(rncl_context *context, int n, size_t floats, rncl_mixup **out)
{
    *out = NULL;
    if (n <= 0 || floats == 0 || floats > INT_MAX)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "mixup of %d pictures of %zu values", n, floats);
    rncl_mixup *mixup = calloc(1, sizeof *mixup);
    if (!mixup)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "mixup");
    mixup->context = context;
    mixup->n = n;
    mixup->floats = (int)floats;
    mixup->vw = rncl_elementwise_width(context, mixup->floats);
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", mixup->vw);
    rncl_status st = rncl_kernel_create(context, "mixup", options, "mixup", &mixup->kernel);
    if (st) {
        rncl_mixup_destroy(mixup);
        return st;
    }
    *out = mixup;
    return RNCL_OK;
}

void rncl_mixup_destroy(rncl_mixup *mixup)
{
    if (!mixup)
        return;
    rncl_kernel_fini(&mixup->kernel);
    free(mixup);
}

rncl_status rncl_mixup_enqueue(rncl_mixup *mixup, float mix, cl_mem x)
{
    const size_t pairs = (size_t)mixup->n / 2;
    if (pairs == 0)
        return RNCL_OK;
    const rncl_range range = rncl_elementwise_range(mixup->context, pairs * (size_t)mixup->floats, mixup->vw);
    return rncl_launch(mixup->context, &mixup->kernel, range, RNCL_INT(mixup->n), RNCL_INT(mixup->floats),
                       RNCL_FLOAT(mix), RNCL_BUFFER(x));
}
