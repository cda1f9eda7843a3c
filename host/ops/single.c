/* Plan and build of rows with a single work-item. */
#include "single.h"

#include <stdio.h>
#include <stdlib.h>

/* One launch does a whole pass, so that there is nothing to join in between. */
bool rncl_single_supports(const rncl_pass *pass)
{
    return !pass->choice.join.join_statistics && pass->context->device_class != RNCL_CLASS_GPU &&
           pass->context->traits.long_loops;
}

rncl_status rncl_single_plan(rncl_pass *pass)
{
    pass->data = calloc(1, sizeof(rncl_kernel));
    if (!pass->data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of operation %s", rncl_pass_type_of(pass)->name);
    return RNCL_OK;
}

rncl_status rncl_single_build(rncl_pass *pass)
{
    const rncl_op_type *type = rncl_pass_type_of(pass);
    char name[64];
    snprintf(name, sizeof name, "single_%s_%s", type->name, type->passes[pass->index].name);
    return rncl_pass_kernel(pass, RNCL_SINGLE_PROGRAM, "", name, pass->data);
}

void rncl_single_destroy(rncl_pass *pass)
{
    rncl_kernel_fini(pass->data);
    free(pass->data);
}
