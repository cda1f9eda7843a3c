/* Ranges, presets and constraints of CLBlast's parameters, as in CLBlast's own tuners
 * (src/tuning/kernels/xgemm.hpp and xgemm_direct.hpp, version 1.5.3). */
#include "gemm_knobs.h"

#include <string.h>

#include "util.h"

/* The kernels that a parameter affects: XgemmDirect, Xgemm with GEMMK = 0, Xgemm with GEMMK = 1. */
enum { DIRECT = 1, TILED = 2, STREAMED = 4, XGEMM = TILED | STREAMED };

/* Values of XGEMM_MIN_INDIRECT_SIZE that select Xgemm, or XgemmDirect, for all sizes. */
enum { NEVER_DIRECT = 1, ALWAYS_DIRECT = 16384 };

/* Largest number of sums that a work-item keeps in registers: no device has room for more. */
enum { MOST_SUMS = 512 };

/* Presets by class of device. CPU_VECTOR: found on PoCL with AVX-512, at 5 to 8 times the speed of
 * CLBlast's own. GPU: what CLBlast's database has for unknown GPUs of AMD and Intel. SCALAR: what it has
 * for all other unknown devices; accelerators have those too. */
static const struct {
    unsigned kernels;
    int presets[RNCL_CLASS_SCALAR + 1];
    int values[RNCL_KNOB_VALUES - 1]; /* ends with 0; a 0 that is a value comes first */
} rows[RNCL_GEMM_PARAMETERS] = {
    /* Xgemm */
    [RNCL_GEMM_GEMMK] = {XGEMM, {1, 0, 0}, {0, 1}},
    [RNCL_GEMM_KREG] = {STREAMED, {8, 4, 2}, {1, 2, 4, 8, 16}},
    [RNCL_GEMM_KWG] = {TILED, {32, 32, 32}, {16, 32}},
    [RNCL_GEMM_KWI] = {TILED, {2, 2, 2}, {1, 2, 8, 16}},
    [RNCL_GEMM_MDIMA] = {TILED, {4, 16, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_MDIMC] = {XGEMM, {4, 16, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_MWG] = {XGEMM, {64, 64, 32}, {16, 32, 64, 128}},
    [RNCL_GEMM_NDIMB] = {TILED, {4, 8, 16}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_NDIMC] = {XGEMM, {4, 8, 16}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_NWG] = {XGEMM, {64, 64, 32}, {16, 32, 64, 128}},
    [RNCL_GEMM_SA] = {TILED, {0, 1, 1}, {0, 1}},
    [RNCL_GEMM_SB] = {TILED, {0, 1, 1}, {0, 1}},
    [RNCL_GEMM_STRM] = {TILED, {0, 0, 0}, {0, 1}},
    [RNCL_GEMM_STRN] = {TILED, {0, 0, 0}, {0, 1}},
    [RNCL_GEMM_VWM] = {XGEMM, {16, 4, 4}, {1, 2, 4, 8, 16}},
    [RNCL_GEMM_VWN] = {XGEMM, {1, 4, 2}, {1, 2, 4, 8, 16}},
    /* XgemmDirect */
    [RNCL_GEMM_KWID] = {DIRECT, {2, 2, 2}, {2, 4, 8, 16}},
    [RNCL_GEMM_MDIMAD] = {DIRECT, {8, 8, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_MDIMCD] = {DIRECT, {8, 8, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_NDIMBD] = {DIRECT, {8, 8, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_NDIMCD] = {DIRECT, {8, 8, 8}, {1, 2, 4, 8, 16, 32}},
    [RNCL_GEMM_PADA] = {DIRECT, {1, 1, 1}, {0, 1}},
    [RNCL_GEMM_PADB] = {DIRECT, {1, 1, 1}, {0, 1}},
    [RNCL_GEMM_VWMD] = {DIRECT, {4, 1, 1}, {1, 2, 4, 8}},
    [RNCL_GEMM_VWND] = {DIRECT, {4, 2, 2}, {1, 2, 4, 8}},
    [RNCL_GEMM_WGD] = {DIRECT, {32, 16, 16}, {8, 16, 32, 64}},
    /* GemmRoutine */
    [RNCL_GEMM_XGEMM_MIN_INDIRECT_SIZE] = {DIRECT | XGEMM,
                                           {NEVER_DIRECT, 704, 704},
                                           {NEVER_DIRECT, ALWAYS_DIRECT}},
};

/* Constraints: for these kernels, `whole` must be a multiple of part * times / over. RNCL_GEMM_PARAMETERS
 * stands for 1. */
static const struct {
    unsigned kernels;
    rncl_gemm_parameter whole, part, times, over;
} divisions[] = {
#define DIVIDES(kernels, whole, part, times, over)                                                           \
    {                                                                                                        \
        kernels, RNCL_GEMM_##whole, RNCL_GEMM_##part, RNCL_GEMM_##times, RNCL_GEMM_##over                    \
    }
    DIVIDES(XGEMM, MWG, MDIMC, VWM, PARAMETERS),        DIVIDES(XGEMM, NWG, NDIMC, VWN, PARAMETERS),
    DIVIDES(TILED, MWG, MDIMA, VWM, PARAMETERS),        DIVIDES(TILED, NWG, NDIMB, VWN, PARAMETERS),
    DIVIDES(TILED, KWG, KWI, PARAMETERS, PARAMETERS),   DIVIDES(TILED, KWG, MDIMC, NDIMC, MDIMA),
    DIVIDES(TILED, KWG, MDIMC, NDIMC, NDIMB),           DIVIDES(STREAMED, KREG, VWN, PARAMETERS, PARAMETERS),
    DIVIDES(DIRECT, WGD, KWID, PARAMETERS, PARAMETERS), DIVIDES(DIRECT, WGD, MDIMCD, VWMD, PARAMETERS),
    DIVIDES(DIRECT, WGD, NDIMCD, VWND, PARAMETERS),     DIVIDES(DIRECT, WGD, MDIMAD, VWMD, PARAMETERS),
    DIVIDES(DIRECT, WGD, NDIMBD, VWND, PARAMETERS),     DIVIDES(DIRECT, WGD, MDIMCD, NDIMCD, MDIMAD),
    DIVIDES(DIRECT, WGD, MDIMCD, NDIMCD, NDIMBD),
#undef DIVIDES
};

static int preset_of(const rncl_context *context, size_t parameter)
{
    const int class = (int)context->device_class;
    return rows[parameter].presets[MIN(class, (int)RNCL_CLASS_SCALAR)];
}

void rncl_gemm_add_knobs(const rncl_context *context, rncl_knobs *knobs)
{
    for (size_t i = 0; i < RNCL_GEMM_PARAMETERS; i++) {
        size_t count = 1;
        while (count < COUNT(rows[i].values) && rows[i].values[count])
            count++;
        rncl_knobs_add(knobs, (rncl_knob_name){.name = rncl_gemm_parameter_names[i]}, preset_of(context, i),
                       rows[i].values, count);
    }
}

static unsigned kernel_of(const rncl_gemm *sizes, const int *v)
{
    double indirect = v[RNCL_GEMM_XGEMM_MIN_INDIRECT_SIZE];
    if ((double)sizes->m * (double)sizes->n * (double)sizes->k < indirect * indirect * indirect)
        return DIRECT;
    return v[RNCL_GEMM_GEMMK] ? STREAMED : TILED;
}

static bool divisions_hold(unsigned kernel, const int *v)
{
    for (size_t i = 0; i < COUNT(divisions); i++) {
        const int times = divisions[i].times < RNCL_GEMM_PARAMETERS ? v[divisions[i].times] : 1;
        const int over = divisions[i].over < RNCL_GEMM_PARAMETERS ? v[divisions[i].over] : 1;
        const int product = v[divisions[i].part] * times;
        if (divisions[i].kernels & kernel && (product % over || v[divisions[i].whole] % (product / over)))
            return false;
    }
    return true;
}

/* Whether the device has room for so many work-items, sums of each, and floats of local memory. */
static bool fits(const rncl_context *context, int items, int results, int local_floats)
{
    return (size_t)items <= context->info.max_work_group_size && results <= MOST_SUMS * items &&
           sizeof(float) * (size_t)local_floats <= (size_t)context->info.local_memory;
}

static bool direct_fits(const rncl_context *context, const int *v)
{
    const int side = v[RNCL_GEMM_WGD];
    return fits(context, v[RNCL_GEMM_MDIMCD] * v[RNCL_GEMM_NDIMCD], side * side,
                side * (2 * side + v[RNCL_GEMM_PADA] + v[RNCL_GEMM_PADB]));
}

static bool xgemm_fits(const rncl_context *context, unsigned kernel, const int *v)
{
    const int m = v[RNCL_GEMM_MWG], n = v[RNCL_GEMM_NWG];
    const int local = v[RNCL_GEMM_KWG] * (v[RNCL_GEMM_SA] * m + v[RNCL_GEMM_SB] * n);
    /* With GEMMK = 1 and tiles that are not square, CLBlast before 1.6.3 computes wrong results. */
    return (kernel == TILED || m == n) &&
           fits(context, v[RNCL_GEMM_MDIMC] * v[RNCL_GEMM_NDIMC], m * n, kernel == TILED ? local : 0);
}

bool rncl_gemm_supports(const rncl_context *context)
{
    int presets[RNCL_GEMM_PARAMETERS];
    for (size_t i = 0; i < RNCL_GEMM_PARAMETERS; i++)
        presets[i] = preset_of(context, i);
    return context->info.compiler && direct_fits(context, presets) &&
           xgemm_fits(context, presets[RNCL_GEMM_GEMMK] ? STREAMED : TILED, presets);
}

bool rncl_gemm_allows(const rncl_context *context, const rncl_gemm *sizes, const int *values)
{
    unsigned kernel = kernel_of(sizes, values);
    for (size_t i = 0; i < RNCL_GEMM_PARAMETERS; i++)
        if (!(rows[i].kernels & kernel) && values[i] != preset_of(context, i))
            return false;
    return divisions_hold(kernel, values) &&
           (kernel == DIRECT ? direct_fits(context, values) : xgemm_fits(context, kernel, values));
}

void rncl_gemm_parameters(const int *values, int parameters[RNCL_GEMM_PARAMETERS])
{
    memcpy(parameters, values, sizeof(int) * RNCL_GEMM_PARAMETERS);
    if (!values[RNCL_GEMM_GEMMK]) {
        parameters[RNCL_GEMM_KREG] = 1;
        return;
    }
    parameters[RNCL_GEMM_KWG] = parameters[RNCL_GEMM_KWI] = 1;
    parameters[RNCL_GEMM_SA] = parameters[RNCL_GEMM_SB] = 0;
    parameters[RNCL_GEMM_STRM] = parameters[RNCL_GEMM_STRN] = 0;
    parameters[RNCL_GEMM_MDIMA] = values[RNCL_GEMM_MDIMC];
    parameters[RNCL_GEMM_NDIMB] = values[RNCL_GEMM_NDIMC];
}
