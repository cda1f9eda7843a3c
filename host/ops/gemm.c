/* The only file that uses CLBlast. CLBlast's programs and parameters are global to the process, and its
 * program cache has had races: a lock lets one thread call it at a time. */
#include "gemm.h"

#include <clblast_c.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cl_error.h"
#include "profile.h"
#include "util.h"

enum { MOST_DEVICES = 16 };

/* The parameters that CLBlast currently uses for a device. They are remembered because setting the same
 * ones again is as expensive as setting others. */
typedef struct device_parameters {
    cl_device_id device;
    int values[RNCL_GEMM_PARAMETERS];
} device_parameters;

/* What is known of CLBlast's global state; guarded by the lock. */
static struct {
    pthread_mutex_t lock;
    device_parameters devices[MOST_DEVICES];
    size_t device_count;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A context that uses CLBlast. */
typedef struct gemm_state {
    unsigned switches;
} gemm_state;

const char *const rncl_gemm_parameter_names[] = {
#define X(name) #name,
    RNCL_GEMM_PARAMETERS_ALL(X)
#undef X
};

/* CLBlast's kernels; the parameters of one are set together. */
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
    /* CLBlast returns OpenCL's codes and some of its own. */
    return rncl_cl_status((cl_int)code, "CLBlastSgemm", "%zu x %zu x %zu on %s", gemm->m, gemm->n, gemm->k,
                          context->info.name);
}

/* CLBlast would keep programs, and with them their context, until the process ends; some drivers are
 * unloaded before that. Clearing its cache makes other contexts compile their programs again. */
static void release(void *state)
{
    pthread_mutex_lock(&process.lock);
    CLBlastClearCache();
    pthread_mutex_unlock(&process.lock);
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

/* The parameters in use for the device, or a new entry; NULL if there are too many devices. */
static device_parameters *parameters_of(cl_device_id device, bool *known)
{
    for (size_t i = 0; i < process.device_count; i++)
        if (process.devices[i].device == device) {
            *known = true;
            return &process.devices[i];
        }
    *known = false;
    return process.device_count < MOST_DEVICES ? &process.devices[process.device_count] : NULL;
}

static rncl_status set_parameters(const rncl_context *context, size_t kernel, const int *parameters)
{
    size_t values[RNCL_GEMM_PARAMETERS], first = kernels[kernel].first, count = kernels[kernel].count;
    const char *names[RNCL_GEMM_PARAMETERS]; /* copied, since CLBlast may change its argument */
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
    if (!parameters)
        return RNCL_OK;
    bool known;
    device_parameters *in_force = parameters_of(context->device, &known);
    if (known && !memcmp(in_force->values, parameters, sizeof in_force->values))
        return RNCL_OK;
    if (known)
        memset(in_force->values, 0,
               sizeof in_force->values); /* after a failure some may be set and others not */
    for (size_t i = 0; i < COUNT(kernels); i++)
        RNCL_TRY(set_parameters(context, i, parameters));
    if (in_force) {
        in_force->device = context->device;
        memcpy(in_force->values, parameters, sizeof in_force->values);
        process.device_count += !known;
    }
    state->switches++;
    return RNCL_OK;
}

unsigned rncl_gemm_switches(const rncl_context *context)
{
    const gemm_state *state = context->library;
    return state ? state->switches : 0;
}

static rncl_status find_workspace(rncl_context *context, const rncl_gemm *g, size_t *size_bytes)
{
    RNCL_TRY(use_parameters(context, g->parameters));
    return status_of(CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose_of(g->transpose_a),
                                                transpose_of(g->transpose_b), g->m, g->n, g->k, g->a_offset,
                                                g->a_stride, g->b_offset, g->b_stride, g->c_offset,
                                                g->c_stride, &context->queue, size_bytes),
                     g, context);
}

static rncl_status enqueue(rncl_context *context, const rncl_gemm *g, cl_event *event)
{
    RNCL_TRY(use_parameters(context, g->parameters));
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_of(g->transpose_a), transpose_of(g->transpose_b), g->m, g->n, g->k,
        1.0f, g->a, g->a_offset, g->a_stride, g->b, g->b_offset, g->b_stride, g->beta, g->c, g->c_offset,
        g->c_stride, &context->queue, context->profile ? event : NULL, g->workspace);
    return status_of(code, g, context);
}

rncl_status rncl_gemm_workspace(rncl_context *context, const rncl_gemm *g, size_t *size_bytes)
{
    pthread_mutex_lock(&process.lock);
    rncl_status st = find_workspace(context, g, size_bytes);
    pthread_mutex_unlock(&process.lock);
    return st;
}

rncl_status rncl_gemm_enqueue(rncl_context *context, const rncl_gemm *g)
{
    cl_event event = NULL;
    pthread_mutex_lock(&process.lock);
    rncl_status st = enqueue(context, g, &event);
    pthread_mutex_unlock(&process.lock);
    if (st || !event)
        return st;
    return rncl_profile_record(context->profile, "sgemm", event);
}
