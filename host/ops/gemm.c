/* The only file that knows CLBlast. Calls come from one thread at a time: CLBlast's cache of programs has had
 * races. */
#include "gemm.h"

#include <clblast_c.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "profile.h"
#include "util.h"

/* CLBlast has one set of parameters in force for each device; setting the one that is there already costs as
 * much as setting another. A device that is used by several contexts in turn is not provided for. */
typedef struct gemm_state {
    int in_force[RNCL_GEMM_PARAMETERS];
    bool known; /* some were set from here */
    unsigned switches;
} gemm_state;

const char *const rncl_gemm_parameter_names[] = {
#define X(name) #name,
    RNCL_GEMM_PARAMETERS_ALL(X)
#undef X
};

/* Its kernels, whose parameters are set together. */
static const struct {
    const char *name;
    size_t first, count;
} kernels[] = {
    {"Xgemm", RNCL_GEMM_GEMMK, RNCL_GEMM_KWID - RNCL_GEMM_GEMMK},
    {"XgemmDirect", RNCL_GEMM_KWID, RNCL_GEMM_XGEMM_MIN_INDIRECT_SIZE - RNCL_GEMM_KWID},
    {"GemmRoutine", RNCL_GEMM_XGEMM_MIN_INDIRECT_SIZE, 1},
};

static CLBlastTranspose transpose_of(bool transpose)
{
    return transpose ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static rncl_status status_of(CLBlastStatusCode code, const rncl_gemm *gemm, const rncl_context *context)
{
    if (code == CLBlastSuccess)
        return RNCL_OK;
    /* CLBlast's codes are OpenCL's, and some of its own. */
    return rncl_cl_status((cl_int)code, "CLBlastSgemm", "%zu x %zu x %zu on %s", gemm->m, gemm->n, gemm->k,
                          context->info.name);
}

/* CLBlast keeps programs until the process ends, which for some drivers is after their own end. */
static void release(void *state)
{
    CLBlastClearCache();
    free(state);
}

static rncl_status state_of(rncl_context *context, gemm_state **out)
{
    if (!context->library) {
        context->library = calloc(1, sizeof **out);
        if (!context->library)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "state of CLBlast");
        context->release_library = release;
    }
    *out = context->library;
    return RNCL_OK;
}

static rncl_status set_parameters(const rncl_context *context, size_t kernel, const int *parameters)
{
    size_t values[RNCL_GEMM_PARAMETERS], first = kernels[kernel].first, count = kernels[kernel].count;
    const char *names[RNCL_GEMM_PARAMETERS]; /* CLBlast does not promise to leave them alone */
    for (size_t i = 0; i < count; i++) {
        names[i] = rncl_gemm_parameter_names[first + i];
        values[i] = (size_t)parameters[first + i];
    }
    CLBlastStatusCode code = CLBlastOverrideParameters(context->device, kernels[kernel].name,
                                                       CLBlastPrecisionSingle, count, names, values);
    if (code != CLBlastSuccess)
        return RNCL_FAIL(
            RNCL_ERR_DRIVER,
            "CLBlast does not take %zu parameters for %s: status %d; rncl is made for CLBlast 1.5", count,
            kernels[kernel].name, (int)code);
    return RNCL_OK;
}

static rncl_status use_parameters(rncl_context *context, const int *parameters)
{
    gemm_state *state;
    RNCL_TRY(state_of(context, &state));
    if (!parameters || (state->known && !memcmp(state->in_force, parameters, sizeof state->in_force)))
        return RNCL_OK;
    for (size_t i = 0; i < COUNT(kernels); i++)
        RNCL_TRY(set_parameters(context, i, parameters));
    memcpy(state->in_force, parameters, sizeof state->in_force);
    state->known = true;
    state->switches++;
    return RNCL_OK;
}

unsigned rncl_gemm_switches(const rncl_context *context)
{
    const gemm_state *state = context->library;
    return state ? state->switches : 0;
}

rncl_status rncl_gemm_workspace(rncl_context *context, const rncl_gemm *g, size_t *size_bytes)
{
    RNCL_TRY(use_parameters(context, g->parameters));
    return status_of(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose_of(g->transpose_a),
                                                transpose_of(g->transpose_b), g->m, g->n, g->k, g->a_offset,
                                                g->a_stride, g->b_offset, g->b_stride, g->c_offset,
                                                g->c_stride, &context->queue, size_bytes),
                     g, context);
}

rncl_status rncl_gemm_enqueue(rncl_context *context, const rncl_gemm *g)
{
    RNCL_TRY(use_parameters(context, g->parameters));
    cl_event event = NULL;
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_of(g->transpose_a), transpose_of(g->transpose_b), g->m, g->n, g->k,
        1.0f, g->a, g->a_offset, g->a_stride, g->b, g->b_offset, g->b_stride, g->beta, g->c, g->c_offset,
        g->c_stride, &context->queue, context->profile ? &event : NULL, g->workspace);
    RNCL_TRY(status_of(code, g, context));
    return event ? rncl_profile_record(context->profile, "sgemm", event) : RNCL_OK;
}
