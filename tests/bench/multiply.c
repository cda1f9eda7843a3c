/* Times SGEMM of square matrices by CLBlast on a device, with CLBlast's own parameters or with given ones;
 * for choosing presets. One set a process: a set may crash the driver's compiler, and CLBlast's own are gone
 * once others were in force.
 *
 *   multiply DEVICE SIZE [preset [NAME=VALUE ...]]
 *
 * Prints the sizes, the fastest of 20 runs in GFLOP/s, and the largest error on small integers, which has to
 * be 0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gemm_knobs.h"
#include "util.h"

enum { RUNS = 20, SAMPLES = 4096 };

static int fail(void)
{
    fprintf(stderr, "multiply: %s\n", rncl_status_message());
    return 1;
}

/* The presets, changed by the arguments. */
static rncl_status read_values(const rncl_context *context, const rncl_gemm *sizes, char **arguments,
                               int *values)
{
    rncl_knobs knobs = {0};
    rncl_setting setting = {0};
    rncl_gemm_add_knobs(context, &knobs);
    for (; *arguments && setting.count < RNCL_KNOBS; arguments++) {
        int *value = &setting.knobs[setting.count].value;
        if (sscanf(*arguments, "%23[^=]=%d", setting.knobs[setting.count].name, value) != 2)
            return RNCL_FAIL(RNCL_ERR_USAGE, "%s: not NAME=VALUE", *arguments);
        setting.count++;
    }
    if (!rncl_knobs_resolve(&knobs, &setting, values) || !rncl_gemm_allows(context, sizes, values))
        return RNCL_FAIL(RNCL_ERR_USAGE, "no such values, or they do not go together");
    return RNCL_OK;
}

static rncl_status create_matrix(rncl_context *context, size_t side, float *values, cl_mem *out)
{
    for (size_t i = 0; i < side * side; i++)
        values[i] = (float)(rand() % 7 - 3);
    RNCL_TRY(rncl_buffer_create(context, side * side * sizeof *values, out));
    return rncl_buffer_write(context, *out, 0, side * side * sizeof *values, values);
}

static double largest_error(const float *a, const float *b, const float *c, size_t side)
{
    double largest = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
        size_t row = (size_t)rand() % side, column = (size_t)rand() % side;
        double exact = 0;
        for (size_t i = 0; i < side; i++)
            exact += (double)a[row * side + i] * (double)b[i * side + column];
        largest = MAX(largest, fabs(exact - (double)c[row * side + column]));
    }
    return largest;
}

static rncl_status time_product(rncl_context *context, const rncl_gemm *gemm, double *seconds)
{
    *seconds = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        uint64_t start = rncl_time_ns();
        RNCL_TRY(rncl_gemm_enqueue(context, gemm));
        RNCL_TRY(rncl_context_finish(context));
        *seconds = MIN(*seconds, 1e-9 * (double)(rncl_time_ns() - start));
    }
    return RNCL_OK;
}

/* values[3]: room for a, b and c. */
static rncl_status measure(rncl_context *context, size_t side, char **arguments, float *const *values)
{
    int knobs[RNCL_KNOBS], parameters[RNCL_GEMM_PARAMETERS];
    rncl_gemm gemm = {.m = side, .n = side, .k = side, .a_stride = side, .b_stride = side, .c_stride = side};
    if (*arguments) {
        RNCL_TRY(read_values(context, &gemm, arguments + 1, knobs));
        rncl_gemm_parameters(knobs, parameters);
        gemm.parameters = parameters;
    }
    size_t workspace_bytes = 0;
    double seconds;
    RNCL_TRY(rncl_gemm_workspace(context, &gemm, &workspace_bytes));
    RNCL_TRY(rncl_buffer_create(context, MAX(workspace_bytes, sizeof(float)), &gemm.workspace));
    RNCL_TRY(create_matrix(context, side, values[0], &gemm.a));
    RNCL_TRY(create_matrix(context, side, values[1], &gemm.b));
    RNCL_TRY(create_matrix(context, side, values[2], &gemm.c));
    RNCL_TRY(time_product(context, &gemm, &seconds));
    RNCL_TRY(rncl_buffer_read(context, gemm.c, 0, side * side * sizeof(float), values[2]));
    printf("%zu: %.1f GFLOP/s, error %g\n", side, 2e-9 * pow((double)side, 3) / seconds,
           largest_error(values[0], values[1], values[2], side));
    return RNCL_OK;
}

/* Device memory is released when the process ends. */
int main(int count, char **arguments)
{
    size_t side = count >= 3 ? strtoul(arguments[2], NULL, 10) : 0;
    if (!side || (count > 3 && strcmp(arguments[3], "preset") != 0)) {
        fprintf(stderr, "usage: multiply DEVICE SIZE [preset [NAME=VALUE ...]]\n");
        return 2;
    }
    rncl_device_list *devices;
    const rncl_device *device;
    rncl_context *context;
    if (rncl_device_list_create(NULL, &devices) || rncl_device_choose(devices, arguments[1], &device) ||
        rncl_context_create(device, NULL, &context))
        return fail();
    float *values = malloc(3 * side * side * sizeof *values);
    if (!values)
        return 1;
    float *const matrices[] = {values, values + side * side, values + 2 * side * side};
    if (measure(context, side, arguments + 3, matrices))
        return fail();
    free(values);
    rncl_context_destroy(context);
    rncl_device_list_destroy(devices);
    return 0;
}
