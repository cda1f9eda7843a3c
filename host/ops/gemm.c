/* The only file that knows CLBlast. Calls come from one thread at a time: CLBlast's cache of programs has had
 * races. */
#include "gemm.h"

#include <clblast_c.h>

#include "profile.h"

static CLBlastTranspose transpose_of(bool transpose)
{
    return transpose ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static rncl_status status_of(CLBlastStatusCode code, const rncl_gemm *gemm, const rncl_context *context)
{
    if (code == CLBlastSuccess)
        return RNCL_OK;
    bool memory = code == CLBlastTempBufferAllocFailure || code == CLBlastOpenCLOutOfResources;
    return RNCL_FAIL(memory ? RNCL_ERR_DEVICE_MEMORY : RNCL_ERR_DRIVER,
                     "CLBlast SGEMM %zu x %zu x %zu on %s: status %d", gemm->m, gemm->n, gemm->k,
                     context->info.name, (int)code);
}

rncl_status rncl_gemm_workspace(rncl_context *context, const rncl_gemm *g, size_t *size_bytes)
{
    return status_of(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose_of(g->transpose_a),
                                                transpose_of(g->transpose_b), g->m, g->n, g->k, g->a_offset,
                                                g->a_stride, g->b_offset, g->b_stride, g->c_offset,
                                                g->c_stride, &context->queue, size_bytes),
                     g, context);
}

/* CLBlast keeps programs until the process ends, which for some drivers is after their own end. */
static void release_programs(void)
{
    CLBlastClearCache();
}

rncl_status rncl_gemm_enqueue(rncl_context *context, const rncl_gemm *g)
{
    context->release_library = release_programs;
    cl_event event = NULL;
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_of(g->transpose_a), transpose_of(g->transpose_b), g->m, g->n, g->k,
        1.0f, g->a, g->a_offset, g->a_stride, g->b, g->b_offset, g->b_stride, g->beta, g->c, g->c_offset,
        g->c_stride, &context->queue, context->profile ? &event : NULL, g->workspace);
    RNCL_TRY(status_of(code, g, context));
    return event ? rncl_profile_record(context->profile, "sgemm", event) : RNCL_OK;
}
