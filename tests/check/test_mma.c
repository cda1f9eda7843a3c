/* Convolution on matrix units whose instructions are emulated: each unit at odd shapes, in every precision
 * that it serves, and with tiles that its presets do not use. The emulation is written from the makers'
 * descriptions and the kernel's maps from the same, in the other direction, so that an error in either shows.
 * RNCL_TEST_DEVICE as in test_check.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_trial.h"
#include "matrix_unit.h"
#include "util.h"

static rncl_device_list *devices;
static const rncl_device *device;

static int choose_device(void **state)
{
    (void)state;
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

static int release_devices(void **state)
{
    (void)state;
    rncl_device_list_destroy(devices);
    return 0;
}

#define SHAPE(N, H, W, C, R, S, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        N, H, W, C, K, R, S, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,                            \
            ((W) + 2 * (PAD) - (S)) / (STRIDE) + 1                                                           \
    }

static const rncl_conv_shape shapes[] = {
    SHAPE(2, 7, 6, 8, 3, 3, 20, 2, 1),  /* phases; columns that are no multiple of a fragment's */
    SHAPE(1, 6, 5, 17, 2, 3, 9, 1, 2),  /* odd channels: loads of one float */
    SHAPE(3, 5, 4, 12, 1, 1, 7, 3, 0),  /* phases without taps, odd outputs */
    SHAPE(6, 1, 1, 20, 1, 1, 36, 1, 0), /* a fully connected layer */
};

typedef struct unit_test {
    const char *unit;
    rncl_precision precision;
    rncl_setting setting; /* no algorithm: presets */
} unit_test;

#define UNIT(NAME, PRECISION)                                                                                \
    {                                                                                                        \
        .unit = (NAME), .precision = RNCL_PRECISION_##PRECISION                                              \
    }

static unit_test unit_tests[] = {
    UNIT("nvidia-tf32", FP32),   UNIT("nvidia-tf32", TF32),   UNIT("nvidia-bf16", BF16),
    UNIT("amd-wmma-bf16", BF16), UNIT("amd-mfma-f32", FP32),  UNIT("amd-mfma-bf16", BF16),
    UNIT("intel-bf16-8", BF16),  UNIT("intel-bf16-16", BF16), UNIT("intel-tf32-16", TF32),
};

static const rncl_setting *look_up(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc;
    (void)pass;
    const unit_test *test = state;
    return test->setting.algorithm[0] ? &test->setting : NULL;
}

typedef struct results {
    int count;
    double most; /* error */
} results;

static void expect_right(void *user, const rncl_check_result *result)
{
    results *r = user;
    r->count++;
    r->most = MAX(r->most, result->error);
    if (!result->ok)
        fail_msg("%s: error %.3g, tolerance %.3g", result->name, result->error, result->tolerance);
}

static const check_variant *variant_of(const char *name)
{
    const check_variant *variants[CHECK_VARIANTS];
    const size_t count = check_variants_of(RNCL_OP_conv, variants);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(variants[i]->name, name))
            return variants[i];
    fail_msg("no variant %s", name);
    return NULL;
}

static rncl_context *open_unit(const unit_test *test)
{
    rncl_context *context;
    assert_int_equal(rncl_context_create(device, NULL, &context), RNCL_OK);
    context->precision = test->precision;
    assert_true(rncl_matrix_unit_emulate(context, test->unit));
    return context;
}

static results run(unit_test *test, rncl_context *context, const rncl_conv_shape *shape, const char *variant)
{
    results r = {0};
    check_trial trial = {
        .context = context,
        .c.desc = {.kind = RNCL_OP_conv, .conv = *shape},
        .variant = variant_of(variant),
        .algorithm = "mma",
        .tuned = {.lookup = look_up, .state = test},
        .random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0),
    };
    for (int index = 0; index < RNCL_OP_PASSES; index++) {
        rncl_pass pass = {.context = context, .desc = trial.c.desc, .index = index};
        bool exact;
        assert_true(rncl_pass_supports(&pass, "mma", &exact));
        assert_true(exact);
        if (test->setting.algorithm[0])
            assert_true(rncl_pass_take(&pass, &test->setting));
    }
    assert_int_equal(check_trial_run(&trial, expect_right, &r), RNCL_OK);
    assert_true(r.count > 0);
    return r;
}

/* Integers are exact in every precision, normal numbers within the tolerance of the precision. */
static void products_match_the_reference(void **state)
{
    unit_test *test = *state;
    rncl_context *context = open_unit(test);
    for (size_t i = 0; i < COUNT(shapes); i++) {
        run(test, context, &shapes[i], "integers");
        run(test, context, &shapes[i], "normal, accumulated");
    }
    rncl_context_destroy(context);
}

/* Three products are as exact as float32, one is not: the rounding is really there. */
static void a_precision_rounds_as_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        rncl_precision precision;
        double least, most;
    } roundings[] = {
        {"nvidia-tf32", RNCL_PRECISION_FP32, 0, 3e-7},
        {"nvidia-tf32", RNCL_PRECISION_TF32, 1e-4, 5e-4},
        {"nvidia-bf16", RNCL_PRECISION_BF16, 1e-3, 4e-3},
        {"amd-mfma-f32", RNCL_PRECISION_TF32, 0, 3e-7},
    };
    const rncl_conv_shape shape = SHAPE(2, 7, 6, 8, 3, 3, 20, 2, 1);
    for (size_t i = 0; i < COUNT(roundings); i++) {
        unit_test test = {.unit = roundings[i].unit, .precision = roundings[i].precision};
        rncl_context *context = open_unit(&test);
        const results r = run(&test, context, &shape, "normal");
        if (r.most < roundings[i].least || r.most > roundings[i].most)
            fail_msg("%s for %s: error %g", test.unit, rncl_precision_name(test.precision), r.most);
        rncl_context_destroy(context);
    }
}

/* A buffer of random numbers; NULL for none. */
static cl_mem buffer(rncl_context *context, size_t floats, uint32_t stream)
{
    cl_mem made = NULL;
    float *values = malloc((floats + 1) * sizeof *values);
    assert_non_null(values);
    rncl_random random = rncl_random_stream(2, RNCL_RANDOM_TEST, 0, stream);
    for (size_t i = 0; i < floats; i++)
        values[i] = rncl_random_normal(&random);
    if (floats) {
        assert_int_equal(rncl_buffer_create(context, floats * sizeof *values, &made), RNCL_OK);
        assert_int_equal(rncl_buffer_write(context, made, 0, floats * sizeof *values, values), RNCL_OK);
    }
    free(values);
    return made;
}

static float *contents(rncl_context *context, cl_mem of, size_t floats)
{
    float *values = malloc(floats * sizeof *values);
    assert_non_null(values);
    assert_int_equal(rncl_buffer_read(context, of, 0, floats * sizeof *values, values), RNCL_OK);
    return values;
}

/* Compares the parts of one channel with the sums over dx. All tensors are [rows][c] or [c]. */
typedef struct gradient_case {
    size_t rows, c, parts;
    float *x, *moments, *weight, *bias, *dx, *sums;
} gradient_case;

static void expect_gradient_sums(const gradient_case *g, size_t channel)
{
    const size_t c = g->c;
    const float mean = g->moments[channel], inverse = g->moments[c + channel];
    double want[2] = {0}, size[2] = {0}, got[2] = {0};
    for (size_t row = 0; row < g->rows; row++) {
        const float centred = g->x[row * c + channel] - mean;
        const float y = fmaf(centred, g->weight[channel] * inverse, g->bias[channel]);
        const double dz = y > 0 ? (double)g->dx[row * c + channel] : 0,
                     xhat = (double)centred * (double)inverse;
        want[0] += dz, size[0] += fabs(dz);
        want[1] += dz * xhat, size[1] += fabs(dz * xhat);
    }
    for (size_t part = 0; part < g->parts; part++)
        for (size_t i = 0; i < 2; i++)
            got[i] += (double)g->sums[(2 * part + i) * c + channel];
    for (size_t i = 0; i < 2; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-5 * size[i]))
            fail_msg("channel %zu, sum %zu: %g and not %g", channel, i, got[i], want[i]);
}

/* Whether the input gradient leaves sums: not where its depth has shares. */
static bool leaves_gradient_sums(rncl_context *context, const rncl_conv_shape *s)
{
    const rncl_op_desc desc = {.kind = RNCL_OP_conv, .conv = *s};
    const rncl_op_choice choice = {
        .algorithm = "mma", .left_out = ~RNCL_PASS_BIT(RNCL_CONV_BACKWARD_DATA), .gradient_sums = true};
    const rncl_op_scalars scalars = {0};
    rncl_op *op;
    assert_int_equal(rncl_op_create(context, &desc, &choice, &op), RNCL_OK);
    assert_int_equal(rncl_op_build(op), RNCL_OK);
    const size_t c = (size_t)s->c, rows = (size_t)(s->n * s->h * s->w),
                 parts = (size_t)op->needs.gradient_parts;
    rncl_op_buffers b = {
        .dy = buffer(context, (size_t)(s->n * s->p * s->q * s->k), 0),
        .weight = buffer(context, (size_t)(s->r * s->s * s->c * s->k), 1),
        .dx = buffer(context, rows * c, 2),
        .workspace = buffer(context, op->needs.workspace_bytes / sizeof(float), 3),
        .before_x = buffer(context, rows * c, 4),
        .before_saved = buffer(context, 2 * c, 5),
        .before_weight = buffer(context, c, 6),
        .before_bias = buffer(context, c, 7),
        .gradient_sums = buffer(context, parts * 2 * c, 8),
    };
    assert_int_equal(rncl_op_bind(op, b.workspace), RNCL_OK);
    assert_int_equal(rncl_op_enqueue(op, RNCL_CONV_BACKWARD_DATA, &b, &scalars), RNCL_OK);
    if (parts) {
        gradient_case g = {rows,
                           c,
                           parts,
                           contents(context, b.before_x, rows * c),
                           contents(context, b.before_saved, 2 * c),
                           contents(context, b.before_weight, c),
                           contents(context, b.before_bias, c),
                           contents(context, b.dx, rows * c),
                           contents(context, b.gradient_sums, parts * 2 * c)};
        for (size_t channel = 0; channel < c; channel++)
            expect_gradient_sums(&g, channel);
        float *const read[] = {g.x, g.moments, g.weight, g.bias, g.dx, g.sums};
        for (size_t i = 0; i < COUNT(read); i++)
            free(read[i]);
    }
    rncl_op_destroy(op);
    RNCL_FOR_SLOTS (~0u, slot)
        rncl_buffer_release(b.slots[slot]);
    return parts > 0;
}

static void sums_of_a_gradient_are_those_of_dx(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t u = 0; u < COUNT(unit_tests); u++) {
        rncl_context *context = open_unit(&unit_tests[u]);
        for (size_t i = 0; i < COUNT(shapes); i++)
            count += leaves_gradient_sums(context, &shapes[i]);
        rncl_context_destroy(context);
    }
    assert_true(count >= 3 * COUNT(unit_tests));
}

int main(void)
{
    struct CMUnitTest tests[COUNT(unit_tests) + 2] = {
        cmocka_unit_test(a_precision_rounds_as_it_says),
        cmocka_unit_test(sums_of_a_gradient_are_those_of_dx),
    };
    char names[COUNT(unit_tests)][64];
    for (size_t i = 0; i < COUNT(unit_tests); i++) {
        snprintf(names[i], sizeof names[i], "products_match_the_reference %s %s", unit_tests[i].unit,
                 rncl_precision_name(unit_tests[i].precision));
        tests[i + 2] = (struct CMUnitTest){
            .name = names[i], .test_func = products_match_the_reference, .initial_state = &unit_tests[i]};
    }
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
