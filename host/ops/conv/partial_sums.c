/* Adding up partial sums. */
#include "partial_sums.h"

#include <stdio.h>

#include "elementwise.h"

bool partial_sums_are_large(size_t floats)
{
    return floats > (size_t)1 << 18;
}

size_t partial_sums_bytes(const partial_sums *sums)
{
    return sums->parts > 1 ? sizeof(float) * sums->floats * (size_t)sums->parts : 0;
}

rncl_status partial_sums_build(const rncl_pass *pass, partial_sums *sums)
{
    char options[32];
    if (sums->parts == 1)
        return RNCL_OK;
    const bool of_images = rncl_pass_elements(pass) && !conv_is_dfilter(pass);
    snprintf(options, sizeof options, "-DVW=%d%s", sums->vw, of_images ? " -DOF_IMAGES=1" : "");
    RNCL_TRY(rncl_pass_kernel(pass, "conv/reduce", options, "conv_reduce", &sums->reduce));
    return rncl_kernel_require(pass->context, &sums->reduce, (size_t)rncl_elementwise_local(pass->context));
}

void partial_sums_fini(partial_sums *sums)
{
    rncl_kernel_fini(&sums->reduce);
}

const cl_mem *partial_sums_target(const partial_sums *sums, const cl_mem *result, const cl_mem *workspace)
{
    return sums->parts > 1 ? workspace : result;
}

bool partial_sums_accumulate(const partial_sums *sums, bool accumulate)
{
    return accumulate && sums->parts == 1;
}

rncl_status partial_sums_reduce(const rncl_pass *pass, const partial_sums *sums, const cl_mem *workspace,
                                const cl_mem *result, bool accumulate)
{
    if (sums->parts == 1)
        return RNCL_OK;
    return rncl_launch(pass->context, &sums->reduce,
                       rncl_elementwise_range(pass->context, sums->floats, sums->vw),
                       RNCL_INT((cl_int)sums->floats), RNCL_INT(sums->parts), RNCL_BUFFER(*workspace),
                       RNCL_BUFFER(*result), RNCL_INT(accumulate));
}
