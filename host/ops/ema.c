/* Exponential moving averages (kernels/ema.cl). */
#include "ema.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "elementwise.h"
#include "launch.h"

struct rncl_ema {
    rncl_context *context;
    int count, vw;
    rncl_kernel update, exchange;
};

rncl_status rncl_ema_create(rncl_context *context, size_t count, rncl_ema **out)
{
    *out = NULL;
    if (count == 0 || count > INT_MAX - 4096)
        return RNCL_FAIL(RNCL_ERR_SHAPE, "average of %zu parameters", count);
    rncl_ema *ema = calloc(1, sizeof *ema);
    if (!ema)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "average");
    ema->context = context;
    ema->count = (int)count;
    ema->vw = rncl_elementwise_width(context, ema->count);
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", ema->vw);
    rncl_status st = rncl_kernel_create(context, "ema", options, "ema_update", &ema->update);
    if (!st)
        st = rncl_kernel_create(context, "ema", options, "ema_exchange", &ema->exchange);
    if (st) {
        rncl_ema_destroy(ema);
        return st;
    }
    *out = ema;
    return RNCL_OK;
}

void rncl_ema_destroy(rncl_ema *ema)
{
    if (!ema)
        return;
    rncl_kernel_fini(&ema->update);
    rncl_kernel_fini(&ema->exchange);
    free(ema);
}

static rncl_range range_of(const rncl_ema *ema)
{
    return rncl_elementwise_range(ema->context, (size_t)ema->count, ema->vw);
}

rncl_status rncl_ema_enqueue(rncl_ema *ema, float share, cl_mem value, cl_mem average)
{
    return rncl_launch(ema->context, &ema->update, range_of(ema), RNCL_INT(ema->count), RNCL_FLOAT(share),
                       RNCL_BUFFER(value), RNCL_BUFFER(average));
}

rncl_status rncl_ema_exchange(rncl_ema *ema, cl_mem value, cl_mem average)
{
    return rncl_launch(ema->context, &ema->exchange, range_of(ema), RNCL_INT(ema->count), RNCL_BUFFER(value),
                       RNCL_BUFFER(average));
}
