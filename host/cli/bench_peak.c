/* Measuring a device's limits (kernels/peak.cl, mma_peak.cl and pairs_peak.cl in kernels/conv). */
#include "bench_peak.h"

#include <stdio.h>

#include "launch.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum {
    SUMS = 16, /* as in peak.cl */
    ROUNDS = 1 << 16,
    READ_BYTES = 256 << 20,
    LEAST_REPEATS = 5,
};

/* Threads of a driver for the CPU may begin on one core, and take a while to part. */
static const uint64_t measured_ns = 200000000;

/* How the two kernels are spread over the device: a CPU takes long work-items of whole vectors, a GPU many of
 * single floats. */
typedef struct spread {
    bool gpu;
    int vw;
    size_t items, local;
} spread;

static spread spread_over(const rncl_context *context)
{
    const rncl_device_info *info = &context->info;
    const bool gpu = context->device_class == RNCL_CLASS_GPU;
    const size_t local = gpu ? MIN(info->max_work_group_size, (size_t)256) : 1;
    return (spread){
        .gpu = gpu,
        .vw = gpu ? 1 : (int)MIN(info->vector_width, 16u),
        .items = gpu ? 16 * local * info->compute_units : 4 * (size_t)info->compute_units,
        .local = local,
    };
}

/* The least of some times of `launch`; the first is the warm-up. */
static rncl_status least_time(rncl_context *context, rncl_status (*launch)(void *user), void *user,
                              uint64_t *best_ns)
{
    const uint64_t begin = rncl_time_ns();
    *best_ns = UINT64_MAX;
    for (int i = 0; i <= LEAST_REPEATS || rncl_time_ns() - begin < measured_ns; i++) {
        uint64_t start = rncl_time_ns();
        RNCL_TRY(launch(user));
        RNCL_TRY(rncl_context_finish(context));
        if (i > 0)
            *best_ns = MIN(*best_ns, rncl_time_ns() - start);
    }
    return RNCL_OK;
}

typedef struct peak_launch {
    rncl_context *context;
    rncl_kernel kernel;
    spread spread;
    cl_mem x, out;
    int count; /* rounds, or vectors a work-item */
} peak_launch;

static rncl_range range_of(const peak_launch *l)
{
    return (rncl_range){.global = {l->spread.items}, .local = {l->spread.local, 1, 1}};
}

static rncl_status launch_fma(void *user)
{
    const peak_launch *l = user;
    return rncl_launch(l->context, &l->kernel, range_of(l), RNCL_INT(l->count), RNCL_FLOAT(0.5f),
                       RNCL_BUFFER(l->out));
}

static rncl_status launch_read(void *user)
{
    const peak_launch *l = user;
    const int apart = l->spread.gpu ? 1 : l->count, step = l->spread.gpu ? (int)l->spread.items : 1;
    return rncl_launch(l->context, &l->kernel, range_of(l), RNCL_INT(l->count), RNCL_INT(apart),
                       RNCL_INT(step), RNCL_BUFFER(l->x), RNCL_BUFFER(l->out));
}

/* Values that are worked on a nanosecond: `each` a round or vector. */
static rncl_status measure(peak_launch *l, const char *program, const char *name,
                           rncl_status (*launch)(void *user), double each, double *rate)
{
    char options[16];
    uint64_t best_ns = 1;
    snprintf(options, sizeof options, "-DVW=%d", l->spread.vw);
    rncl_status st = rncl_kernel_create(l->context, program, options, name, &l->kernel);
    if (!st)
        st = least_time(l->context, launch, l, &best_ns);
    rncl_kernel_fini(&l->kernel);
    *rate = each * l->count * l->spread.vw * (double)l->spread.items / (double)best_ns;
    return st;
}

/* Products of fragments: work-groups of 4 sub-groups, of which each does PRODUCTS products in a round,
 * as in mma_peak.cl. */
static rncl_status measure_unit(rncl_context *context, const rncl_matrix_unit *unit, double *gflops)
{
    enum { PRODUCTS = 4 * 8, SUB_GROUPS = 4, GROUPS_A_UNIT = 8, MATRIX_ROUNDS = 1 << 10 };
    const size_t local = SUB_GROUPS * (size_t)unit->lanes;
    peak_launch l = {
        .context = context,
        .spread = {.vw = 1, .items = GROUPS_A_UNIT * local * context->info.compute_units, .local = local},
        .count = MATRIX_ROUNDS};
    char options[RNCL_MATRIX_OPTIONS];
    uint64_t best_ns = 1;
    rncl_matrix_unit_options(context, unit, options);
    rncl_status st = rncl_buffer_create(context, l.spread.items * sizeof(float), &l.out);
    if (!st)
        st = rncl_kernel_create(context, "conv/mma_peak", options, "mma_peak", &l.kernel);
    if (!st)
        st = rncl_kernel_require(context, &l.kernel, local);
    if (!st)
        st = least_time(context, launch_fma, &l, &best_ns);
    rncl_kernel_fini(&l.kernel);
    rncl_buffer_release(l.out);
    const double each = 2.0 * unit->m * unit->n * unit->words * unit->pack /
                        rncl_matrix_unit_products(unit, context->precision);
    const size_t sub_groups = l.spread.items / (size_t)unit->lanes;
    *gflops = each * PRODUCTS * l.count * (double)sub_groups / (double)best_ns;
    return st;
}

rncl_status rncl_peak_measure(rncl_context *context, rncl_peak *peak)
{
    peak_launch l = {.context = context, .spread = spread_over(context)};
    const size_t bytes = MIN((size_t)READ_BYTES, (size_t)context->info.max_allocation / 2);
    *peak = (rncl_peak){0};
    rncl_status st =
        rncl_buffer_create(context, l.spread.items * (size_t)l.spread.vw * sizeof(float), &l.out);
    if (!st)
        st = rncl_buffer_create(context, bytes, &l.x);
    if (!st)
        st = rncl_buffer_clear(context, l.x, bytes);
    l.count = l.spread.gpu ? ROUNDS / 64 : ROUNDS;
    if (!st)
        st = measure(&l, "peak", "peak_fma", launch_fma, 2.0 * SUMS, &peak->gflops);
    const rncl_matrix_unit *unit = st || context->matrix.emulated ? NULL : rncl_matrix_unit_of(context);
    const bool pairs = unit && unit->lanes == 1;
    if (pairs)
        st = measure(&l, "conv/pairs_peak", "peak_pairs", launch_fma, 4.0 * SUMS, &peak->matrix_gflops);
    l.count = (int)(bytes / sizeof(float) / (size_t)l.spread.vw / l.spread.items);
    if (!st)
        st = measure(&l, "peak", "peak_read", launch_read, sizeof(float), &peak->bandwidth_gbs);
    rncl_buffer_release(l.x);
    rncl_buffer_release(l.out);
    if (!st && unit && !pairs)
        st = measure_unit(context, unit, &peak->matrix_gflops);
    return st;
}
