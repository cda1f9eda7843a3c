/* Statistics that convolutions write of their result, and batch normalisation that reads them: joined, the
 * parts must equal the statistics of the tensor, also at the edges of tiles. RNCL_TEST_DEVICE as in
 * test_check.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "op.h"
#include "random.h"
#include "util.h"

typedef struct trial {
    const char *algorithm;
    rncl_conv_shape conv;
} trial;

/* Batch, height, width, channels, filter, outputs, stride, padding. */
#define CONV(N, H, W, C, R, K, STRIDE, PAD)                                                                  \
    {                                                                                                        \
        N, H, W, C, K, R, R, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,                            \
            ((W) + 2 * (PAD) - (R)) / (STRIDE) + 1                                                           \
    }

static const trial trials[] = {
    {"direct", CONV(2, 9, 11, 5, 3, 7, 1, 1)},    {"direct", CONV(3, 7, 7, 32, 1, 64, 1, 0)},
    {"direct", CONV(1, 20, 20, 3, 7, 64, 2, 3)},  {"direct", CONV(2, 14, 13, 32, 3, 32, 2, 1)},
    {"direct", CONV(1, 1, 1, 8, 1, 16, 1, 0)},    {"winograd", CONV(2, 9, 11, 16, 3, 32, 1, 1)},
    {"winograd", CONV(3, 7, 7, 32, 3, 64, 1, 1)}, {"winograd", CONV(1, 14, 14, 16, 3, 16, 1, 0)},
    {"winograd", CONV(5, 4, 4, 48, 3, 16, 1, 2)}, {"tiled", CONV(2, 9, 11, 5, 3, 7, 1, 1)},
    {"tiled", CONV(3, 7, 7, 8, 1, 64, 1, 0)},     {"tiled", CONV(1, 1, 1, 8, 1, 16, 1, 0)},
    {"tiled", CONV(1, 14, 13, 4, 3, 36, 2, 1)},
};

static const rncl_op_scalars training = {.flags = RNCL_OP_TRAINING};

static size_t input_count(const rncl_conv_shape *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

static size_t output_count(const rncl_conv_shape *s)
{
    return (size_t)s->n * (size_t)s->p * (size_t)s->q * (size_t)s->k;
}

static size_t filter_count(const rncl_conv_shape *s)
{
    return (size_t)s->r * (size_t)s->s * (size_t)s->c * (size_t)s->k;
}

static rncl_device_list *devices;
static rncl_context *context;

static int open_device(void **state)
{
    (void)state;
    const rncl_device *device;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device) ||
        rncl_context_create(device, NULL, &context)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    rncl_device_list_destroy(devices);
    return 0;
}

static void must(rncl_status st)
{
    if (st)
        fail_msg("%s", rncl_status_message());
}

/* A tensor of `floats` numbers around 3, for which E[x^2] - E[x]^2 would lose digits; NULL if `floats` is
 * 0. */
static cl_mem tensor(size_t floats, uint32_t stream)
{
    cl_mem buffer = NULL;
    if (!floats)
        return NULL;
    float *values = malloc(floats * sizeof *values);
    assert_non_null(values);
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 0, stream);
    for (size_t i = 0; i < floats; i++)
        values[i] = 3 + rncl_random_normal(&random);
    must(rncl_buffer_create(context, floats * sizeof *values, &buffer));
    must(rncl_buffer_write(context, buffer, 0, floats * sizeof *values, values));
    free(values);
    return buffer;
}

static float *contents(cl_mem buffer, size_t floats)
{
    float *values = malloc(floats * sizeof *values);
    assert_non_null(values);
    must(rncl_buffer_read(context, buffer, 0, floats * sizeof *values, values));
    return values;
}

/* A convolution that has been run with its statistics. */
typedef struct convolved {
    rncl_op *op;
    rncl_op_buffers buffers;
} convolved;

static convolved convolve(const trial *t)
{
    const rncl_op_desc desc = {.kind = RNCL_OP_conv, .conv = t->conv};
    const rncl_op_choice choice = {.algorithm = t->algorithm, .left_out = ~RNCL_PASS_BIT(RNCL_OP_FORWARD)};
    convolved c = {0};
    must(rncl_op_create(context, &desc, &choice, &c.op));
    must(rncl_op_build(c.op));
    const rncl_op_needs *needs = &c.op->needs;
    c.buffers = (rncl_op_buffers){
        .x = tensor(input_count(&t->conv), 1),
        .y = tensor(output_count(&t->conv), 2),
        .weight = tensor(filter_count(&t->conv), 3),
        .packed = tensor(needs->packed_bytes / sizeof(float), 4),
        .workspace = tensor(needs->workspace_bytes / sizeof(float), 5),
        .statistics = tensor(rncl_op_statistics_bytes(needs->statistics_parts, t->conv.k) / sizeof(float), 6),
    };
    must(rncl_op_bind(c.op, c.buffers.workspace));
    must(rncl_op_prepare(c.op, &c.buffers));
    must(rncl_op_forward(c.op, &c.buffers, &training));
    return c;
}

static void release(convolved *c)
{
    cl_mem const buffers[] = {c->buffers.x,      c->buffers.y,         c->buffers.weight,
                              c->buffers.packed, c->buffers.workspace, c->buffers.statistics};
    rncl_op_destroy(c->op);
    for (size_t i = 0; i < COUNT(buffers); i++)
        rncl_buffer_release(buffers[i]);
}

/* Mean and sum of squared deviations of one channel of y [rows][k]. */
static void measure(const float *y, size_t rows, size_t k, size_t channel, double *mean, double *deviations)
{
    *mean = *deviations = 0;
    for (size_t row = 0; row < rows; row++)
        *mean += y[row * k + channel] / (double)rows;
    for (size_t row = 0; row < rows; row++)
        *deviations += pow(y[row * k + channel] - *mean, 2);
}

/* The same, joined from the parts. */
static void join(const float *statistics, size_t parts, size_t k, size_t channel, double *mean,
                 double *deviations)
{
    double count = 0;
    *mean = *deviations = 0;
    for (size_t part = 0; part < parts; part++) {
        const float *of_part =
            statistics + rncl_round_up(parts, RNCL_STATISTICS_ALIGNMENT) + part * 2 * k + channel;
        const double more = statistics[part], delta = of_part[0] - *mean;
        *deviations += of_part[k] + delta * delta * count * more / (count + more);
        *mean += delta * more / (count + more);
        count += more;
    }
}

static void statistics_of_a_convolution_are_those_of_its_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(trials); i++) {
        const rncl_conv_shape *s = &trials[i].conv;
        convolved c = convolve(&trials[i]);
        const size_t parts = (size_t)c.op->needs.statistics_parts, k = (size_t)s->k;
        const size_t rows = (size_t)s->n * (size_t)s->p * (size_t)s->q;
        assert_true(parts > 0);
        float *y = contents(c.buffers.y, rows * k),
              *statistics =
                  contents(c.buffers.statistics, rncl_op_statistics_bytes((int)parts, s->k) / sizeof(float));
        double count = 0;
        for (size_t part = 0; part < parts; part++)
            count += statistics[part];
        assert_true(count == (double)rows);
        for (size_t channel = 0; channel < k; channel++) {
            double mean, deviations, joined_mean, joined_deviations;
            measure(y, rows, k, channel, &mean, &deviations);
            join(statistics, parts, k, channel, &joined_mean, &joined_deviations);
            if (fabs(joined_mean - mean) > 1e-6 * fabs(mean) + 1e-6 ||
                fabs(joined_deviations - deviations) > 1e-5 * deviations + 1e-4)
                fail_msg("trial %zu, channel %zu: mean %g and not %g, deviations %g and not %g", i, channel,
                         joined_mean, mean, joined_deviations, deviations);
        }
        free(y);
        free(statistics);
        release(&c);
    }
}

/* y of a batch normalisation of x that reads given statistics in `parts` parts; 0: it computes them
 * itself. */
static float *normalise(const convolved *c, const rncl_conv_shape *s, int parts)
{
    const rncl_op_desc desc = {.kind = RNCL_OP_batchnorm,
                               .batchnorm = {.n = s->n, .h = s->p, .w = s->q, .c = s->k, .relu = 1}};
    const rncl_op_choice choice = {.left_out = ~RNCL_PASS_BIT(RNCL_OP_FORWARD), .statistics_parts = parts};
    rncl_op *op;
    must(rncl_op_create(context, &desc, &choice, &op));
    must(rncl_op_build(op));
    const size_t k = (size_t)s->k, count = output_count(s);
    rncl_op_buffers b = {
        .x = c->buffers.y,
        .y = tensor(count, 7),
        .weight = tensor(k, 8),
        .bias = tensor(k, 9),
        .running_mean = tensor(k, 10),
        .running_variance = tensor(k, 11),
        .saved = tensor(op->needs.saved_bytes / sizeof(float), 12),
        .workspace = tensor(op->needs.workspace_bytes / sizeof(float), 13),
        .statistics = parts ? c->buffers.statistics : NULL,
    };
    must(rncl_op_forward(op, &b, &training));
    float *y = contents(b.y, count);
    cl_mem const buffers[] = {b.y,     b.weight,   b.bias, b.running_mean, b.running_variance,
                              b.saved, b.workspace};
    rncl_op_destroy(op);
    for (size_t i = 0; i < COUNT(buffers); i++)
        rncl_buffer_release(buffers[i]);
    return y;
}

static void batch_normalisation_reads_them_as_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(trials); i++) {
        const rncl_conv_shape *s = &trials[i].conv;
        convolved c = convolve(&trials[i]);
        float *given = normalise(&c, s, c.op->needs.statistics_parts), *own = normalise(&c, s, 0);
        const size_t count = output_count(s);
        for (size_t j = 0; j < count; j++)
            if (!(fabsf(given[j] - own[j]) <= 1e-4f * fabsf(own[j]) + 1e-4f))
                fail_msg("trial %zu, value %zu: %g and not %g", i, j, (double)given[j], (double)own[j]);
        free(given);
        free(own);
        release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_of_a_convolution_are_those_of_its_result),
        cmocka_unit_test(batch_normalisation_reads_them_as_its_own),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
