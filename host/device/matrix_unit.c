/* The table of matrix units, and the probe. */
#include "matrix_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "binary_cache.h"
#include "file.h"
#include "launch.h"
#include "program.h"
#include "program_source.h"
#include "rncl/kernel_abi.h"
#include "util.h"

static const char probe_program[] = "conv/mma_probe";

/* The first that serves a precision is taken. */
static const rncl_matrix_unit units[] = {
    {RNCL_UNIT_NVIDIA_BF16, "nvidia-bf16", RNCL_PRECISION_BF16, 32, 16, 8, 8, 2, -1, -1},
    {RNCL_UNIT_NVIDIA_TF32, "nvidia-tf32", RNCL_PRECISION_TF32, 32, 16, 8, 8, 1, -1, -1},
    {RNCL_UNIT_AMD_WMMA_BF16, "amd-wmma-bf16", RNCL_PRECISION_BF16, 32, 16, 16, 8, 2, 1, 1},
    {RNCL_UNIT_AMD_MFMA_BF16, "amd-mfma-bf16", RNCL_PRECISION_BF16, 64, 16, 16, 8, 2, 1, 1},
    {RNCL_UNIT_AMD_MFMA_F32, "amd-mfma-f32", RNCL_PRECISION_FP32, 64, 16, 16, 4, 1, 1, 1},
    {RNCL_UNIT_INTEL_BF16_8, "intel-bf16-8", RNCL_PRECISION_BF16, 8, 8, 8, 8, 2, 1, 0},
    {RNCL_UNIT_INTEL_BF16_16, "intel-bf16-16", RNCL_PRECISION_BF16, 16, 8, 16, 8, 2, 1, 0},
    {RNCL_UNIT_INTEL_TF32_16, "intel-tf32-16", RNCL_PRECISION_TF32, 16, 8, 16, 8, 1, 1, 0},
    {RNCL_UNIT_X86_BF16, "x86-bf16", RNCL_PRECISION_BF16_TENSORS, 1, 1, 16, 1, 2, -1, -1},
    {RNCL_UNIT_ARM_BF16, "arm-bf16", RNCL_PRECISION_BF16_TENSORS, 1, 1, 4, 1, 2, -1, -1},
};

/* Largest fragments of the table, in floats. */
enum { MOST_VALUES = 16 * 16 };

const rncl_matrix_unit *rncl_matrix_unit_at(int index)
{
    return index >= 0 && (size_t)index < COUNT(units) ? &units[index] : NULL;
}

const char *rncl_precision_name(rncl_precision precision)
{
    static const char *const names[RNCL_PRECISIONS] = {"fp32", "tf32", "bf16-operands", "bf16", "fp16"};
    return names[precision];
}

double rncl_precision_rounding(rncl_precision precision)
{
    static const double roundings[RNCL_PRECISIONS] = {0, 1.0 / (1 << 11), 1.0 / (1 << 9), 1.0 / (1 << 9),
                                                      1.0 / (1 << 11)};
    return roundings[precision];
}

bool rncl_precision_is_narrow(rncl_precision precision)
{
    return precision == RNCL_PRECISION_BF16_TENSORS || precision == RNCL_PRECISION_FP16_TENSORS;
}

rncl_element rncl_precision_element(rncl_precision precision)
{
    return precision == RNCL_PRECISION_FP16_TENSORS ? RNCL_ELEMENT_HALF : RNCL_ELEMENT_BFLOAT16;
}

/* Float32 is made of TF32 only. TF32 is not made of bfloat16, nor does a unit of fewer bits serve more.
 * Tensors of bfloat16 are for units of bfloat16, and those of CPUs are for nothing else. Tensors of half are
 * for devices without units. */
bool rncl_matrix_unit_serves(const rncl_matrix_unit *unit, rncl_precision precision)
{
    if (precision == RNCL_PRECISION_FP16_TENSORS)
        return false;
    if (unit->rounds_to == RNCL_PRECISION_BF16_TENSORS)
        return precision == RNCL_PRECISION_BF16_TENSORS;
    if (precision == RNCL_PRECISION_BF16_TENSORS)
        return unit->rounds_to == RNCL_PRECISION_BF16;
    return precision == RNCL_PRECISION_BF16 || unit->rounds_to != RNCL_PRECISION_BF16;
}

int rncl_matrix_unit_products(const rncl_matrix_unit *unit, rncl_precision precision)
{
    return precision == RNCL_PRECISION_FP32 && unit->rounds_to == RNCL_PRECISION_TF32 ? 3 : 1;
}

void rncl_matrix_unit_options(const rncl_context *context, const rncl_matrix_unit *unit,
                              char options[RNCL_MATRIX_OPTIONS])
{
    /* PoCL 3.1 optimises private arrays and structs that live across barriers to zeros. With 128 registers
     * Intel's compiler does not unroll the loops over fragments for sub-groups of 8. */
    const char *more = context->matrix.emulated             ? " -DEMULATED=1 -cl-opt-disable"
                       : unit->id == RNCL_UNIT_INTEL_BF16_8 ? " -cl-intel-256-GRF-per-thread"
                                                            : "";
    char vector[16] = "";
    if (unit->lanes == 1)
        snprintf(vector, sizeof vector, " -DVW=%d", unit->n);
    snprintf(options, RNCL_MATRIX_OPTIONS,
             "-DUNIT=%d -DLANES=%d -DUNIT_M=%d -DUNIT_N=%d -DUNIT_WORDS=%d -DPACK=%d%s%s", unit->id,
             unit->lanes, unit->m, unit->n, unit->words, unit->pack, vector, more);
}

/* ---- which units a device has ---- */

/* Whether the machine's own CPU has a unit's instructions. */
static bool cpu_has(const rncl_matrix_unit *unit)
{
#if defined(__x86_64__)
    return unit->id == RNCL_UNIT_X86_BF16 && __builtin_cpu_supports("avx512bf16") &&
           __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__linux__)
    return unit->id == RNCL_UNIT_ARM_BF16 && getauxval(AT_HWCAP2) & HWCAP2_BF16;
#else
    (void)unit;
    return false;
#endif
}

/* Whether the device is a CPU with the instructions and a driver that takes them as inline assembly: to try
 * them elsewhere would end the process. PoCL 6.0 aborts while it compiles those of x86; 3.1 does not. */
static bool is_cpu_with_pairs(const rncl_context *context, const rncl_matrix_unit *unit)
{
    return context->device_class == RNCL_CLASS_CPU_VECTOR && context->info.type == RNCL_DEVICE_CPU &&
           !context->info.emulator && context->traits.vector_floats == unit->n &&
           !strcmp(context->info.platform, "Portable Computing Language") &&
           !strncmp(context->info.driver, "3.", 2) && cpu_has(unit);
}

/* Whether devices of this kind have the unit; the probe finds out whether the driver does as well. */
static bool kind_has(const rncl_context *context, const rncl_matrix_unit *unit)
{
    const rncl_gpu *gpu = &context->gpu;
    switch (unit->id) {
    case RNCL_UNIT_NVIDIA_TF32:
    case RNCL_UNIT_NVIDIA_BF16:
        return gpu->family == RNCL_GPU_NVIDIA && gpu->major >= 8;
    case RNCL_UNIT_AMD_WMMA_BF16:
        return gpu->family == RNCL_GPU_RDNA && gpu->major == 11;
    case RNCL_UNIT_AMD_MFMA_BF16: /* from CDNA 2 on, gfx90a */
        return gpu->family == RNCL_GPU_CDNA && (gpu->minor > 0 || gpu->stepping >= 10);
    case RNCL_UNIT_AMD_MFMA_F32:
        return gpu->family == RNCL_GPU_CDNA;
    case RNCL_UNIT_INTEL_BF16_8:
        return gpu->family == RNCL_GPU_XE_HPG;
    case RNCL_UNIT_X86_BF16:
    case RNCL_UNIT_ARM_BF16:
        return is_cpu_with_pairs(context, unit);
    default:
        return gpu->family == RNCL_GPU_XE_HPC;
    }
}

/* ---- the probe ---- */

/* Small integers, which every unit multiplies exactly; rows and columns that were exchanged show. */
static float probe_value(int i, int salt)
{
    return (float)((i * 7 + i / 5 + salt) % 13 - 6);
}

typedef struct probe_buffers {
    cl_mem left, right, y;
} probe_buffers;

static rncl_status compare(rncl_context *context, const rncl_matrix_unit *unit, const float *left,
                           const float *right, cl_mem y)
{
    const int depth = unit->words * unit->pack;
    float got[MOST_VALUES];
    RNCL_TRY(rncl_buffer_read(context, y, 0, sizeof(float) * (size_t)(unit->m * unit->n), got));
    for (int i = 0; i < unit->m * unit->n; i++) {
        float want = 0;
        for (int d = 0; d < depth; d++)
            want += left[i / unit->n * depth + d] * right[d * unit->n + i % unit->n];
        if (got[i] != want)
            return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "value %d of a product is %g and should be %g", i,
                             (double)got[i], (double)want);
    }
    return RNCL_OK;
}

static rncl_status multiply(rncl_context *context, const rncl_matrix_unit *unit, const rncl_kernel *kernel,
                            probe_buffers *b)
{
    const size_t depth = (size_t)(unit->words * unit->pack), lanes = (size_t)unit->lanes;
    const size_t left_bytes = sizeof(float) * (size_t)unit->m * depth,
                 right_bytes = sizeof(float) * (size_t)unit->n * depth;
    float left[MOST_VALUES], right[MOST_VALUES];
    for (int i = 0; i < MOST_VALUES; i++) {
        left[i] = probe_value(i, 0);
        right[i] = probe_value(i, 4);
    }
    RNCL_TRY(rncl_buffer_create(context, left_bytes, &b->left));
    RNCL_TRY(rncl_buffer_create(context, right_bytes, &b->right));
    RNCL_TRY(rncl_buffer_create(context, sizeof(float) * (size_t)(unit->m * unit->n), &b->y));
    RNCL_TRY(rncl_buffer_write(context, b->left, 0, left_bytes, left));
    RNCL_TRY(rncl_buffer_write(context, b->right, 0, right_bytes, right));
    const rncl_range range = {.global = {lanes, 1, 1}, .local = {lanes, 1, 1}};
    RNCL_TRY(
        rncl_launch(context, kernel, range, RNCL_BUFFER(b->left), RNCL_BUFFER(b->right), RNCL_BUFFER(b->y)));
    return compare(context, unit, left, right, b->y);
}

static rncl_status try_unit(rncl_context *context, const rncl_matrix_unit *unit, const char *options)
{
    rncl_kernel kernel = {0};
    probe_buffers buffers = {0};
    /* A compiler that does not know the unit says so at length. */
    const rncl_log log = context->log;
    context->log = (rncl_log){0};
    rncl_status st = rncl_kernel_create(context, probe_program, options, "mma_probe", &kernel);
    context->log = log;
    if (!st)
        st = multiply(context, unit, &kernel, &buffers);
    rncl_buffer_release(buffers.left);
    rncl_buffer_release(buffers.right);
    rncl_buffer_release(buffers.y);
    rncl_kernel_fini(&kernel);
    return st;
}

/* ---- the memory of failures ---- */

/* The file of a failure, which holds all that it depends on, and its path; NULL: there is no place for it. */
static char *failure_text(const rncl_context *context, const char *options)
{
    uint64_t hash;
    char source[32];
    if (rncl_program_source_hash(probe_program, &hash))
        return NULL;
    snprintf(source, sizeof source, "%016llx\n", (unsigned long long)hash);
    return rncl_binary_cache_key(&context->info, options, source);
}

static char *failure_path(const char *text, bool create)
{
    char name[48];
    snprintf(name, sizeof name, "%016llx.unit-failed",
             (unsigned long long)rncl_hash(RNCL_HASH_START, text, strlen(text)));
    return rncl_cache_path(name, create);
}

static bool has_failed(const char *text)
{
    char *path = failure_path(text, false);
    rncl_contents file = {0};
    const bool failed = path && rncl_file_exists(path) && !rncl_file_read(path, &file) &&
                        file.size_bytes == strlen(text) && !memcmp(file.data, text, file.size_bytes);
    rncl_contents_free(&file);
    free(path);
    return failed;
}

static void remember_failure(const rncl_context *context, const char *text)
{
    char *path = failure_path(text, true);
    if (path && rncl_file_write(path, text, strlen(text)))
        rncl_log_line(&context->log, RNCL_LOG_DETAIL, "matrix unit not remembered: %s",
                      rncl_status_message());
    free(path);
}

/* Whether the unit works here. */
static bool probe(rncl_context *context, const rncl_matrix_unit *unit)
{
    char options[RNCL_MATRIX_OPTIONS];
    rncl_matrix_unit_options(context, unit, options);
    char *text = failure_text(context, options);
    bool works = false;
    if (text && has_failed(text)) {
        rncl_log_line(&context->log, RNCL_LOG_DETAIL, "matrix unit %s has failed before and is not used",
                      unit->name);
    } else {
        const rncl_status st = try_unit(context, unit, options);
        const bool for_good = st == RNCL_ERR_BUILD || st == RNCL_ERR_WRONG_RESULT;
        works = st == RNCL_OK;
        /* Another run may have the unit, and round differently. */
        if (st)
            rncl_log_line(&context->log, for_good ? RNCL_LOG_NOTE : RNCL_LOG_WARNING,
                          "matrix unit %s is not used%s: %s", unit->name, for_good ? "" : " this time",
                          rncl_status_message());
        if (text && for_good && !context->binaries) /* others may lack the probe, not the unit */
            remember_failure(context, text);
    }
    free(text);
    return works;
}

/* ---- what planning asks ---- */

static void choose_emulated(rncl_context *context, const char *name)
{
    if (strcmp(name, "off") != 0 && !rncl_matrix_unit_emulate(context, name))
        rncl_log_line(&context->log, RNCL_LOG_WARNING,
                      "RNCL_MATRIX_UNIT=%s: no such unit works for precision %s", name,
                      rncl_precision_name(context->precision));
}

static void find_unit(rncl_context *context)
{
    for (size_t i = 0; i < COUNT(units) && !context->matrix.unit; i++)
        if (rncl_matrix_unit_serves(&units[i], context->precision) && kind_has(context, &units[i]) &&
            probe(context, &units[i]))
            context->matrix.unit = &units[i];
}

const rncl_matrix_unit *rncl_matrix_unit_of(rncl_context *context)
{
    if (context->matrix.known)
        return context->matrix.unit;
    context->matrix.known = true;
    const char *chosen = getenv("RNCL_MATRIX_UNIT");
    if (chosen && *chosen)
        choose_emulated(context, chosen);
    else
        find_unit(context);
    return context->matrix.unit;
}

/* Kernels for scalar devices and for accelerators do not convert elements of tensors. */
static bool converts_elements(const rncl_context *context)
{
    return context->device_class == RNCL_CLASS_GPU ||
           (context->device_class == RNCL_CLASS_CPU_VECTOR && context->traits.long_loops);
}

/* NVIDIA's GPUs have half from compute capability 5.3 on, and their driver does not say so. */
static bool has_half(const rncl_context *context)
{
    const rncl_gpu *gpu = &context->gpu;
    return context->info.fp16 || (gpu->family == RNCL_GPU_NVIDIA && 10 * gpu->major + gpu->minor >= 53);
}

/* Looks for a unit of bfloat16, and leaves it to others to look for theirs. */
static bool multiplies_bfloat16(rncl_context *context)
{
    const rncl_matrix_state before = context->matrix;
    const rncl_precision precision = context->precision;
    context->precision = RNCL_PRECISION_BF16_TENSORS;
    context->matrix = (rncl_matrix_state){0};
    const bool has_unit = rncl_matrix_unit_of(context) != NULL;
    context->precision = precision;
    context->matrix = before;
    return has_unit;
}

/* What keeps the device from a precision; NULL: nothing. */
static const char *obstacle(rncl_context *context, rncl_precision precision)
{
    if (precision == RNCL_PRECISION_FP32)
        return NULL;
    if (!rncl_precision_is_narrow(precision))
        return rncl_matrix_unit_of(context) ? NULL : "has no matrix unit for it";
    if (!converts_elements(context))
        return "has no kernels for it";
    if (precision == RNCL_PRECISION_BF16_TENSORS)
        return NULL;
    if (!has_half(context))
        return "does not have half (cl_khr_fp16)";
    return multiplies_bfloat16(context) ? "multiplies bfloat16 (--precision bf16)" : NULL;
}

/* A unit for float32 serves every precision of floats, so that there is none to look for again. */
void rncl_precision_request(rncl_context *context, rncl_precision precision)
{
    static const char *const effects[RNCL_PRECISIONS] = {
        [RNCL_PRECISION_TF32] = "convolutions round their operands",
        [RNCL_PRECISION_BF16] = "convolutions round their operands",
        [RNCL_PRECISION_BF16_TENSORS] = "tensors between layers are stored as bfloat16",
        [RNCL_PRECISION_FP16_TENSORS] = "tensors between layers are stored as half, and the loss is scaled",
    };
    context->precision = precision;
    const char *why = obstacle(context, precision);
    if (why) {
        context->precision = RNCL_PRECISION_FP32;
        rncl_log_line(&context->log, RNCL_LOG_NOTE, "precision %s: %s %s, fp32 is used",
                      rncl_precision_name(precision), context->info.name, why);
    } else if (effects[precision]) {
        rncl_log_line(&context->log, RNCL_LOG_NOTE, "precision %s: %s", rncl_precision_name(precision),
                      effects[precision]);
    }
}

bool rncl_matrix_unit_emulate(rncl_context *context, const char *name)
{
    context->matrix = (rncl_matrix_state){.known = true, .emulated = true};
    for (size_t i = 0; i < COUNT(units); i++)
        if (!strcmp(units[i].name, name) && rncl_matrix_unit_serves(&units[i], context->precision) &&
            probe(context, &units[i]))
            context->matrix.unit = &units[i];
    return context->matrix.unit;
}
