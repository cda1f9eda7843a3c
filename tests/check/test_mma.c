/* Convolution on matrix units whose instructions are emulated: each unit at odd shapes, in every precision
 * that it serves, directly and by Winograd's method, and with settings that its presets do not use. The
 * emulation is written from the makers' descriptions and the kernel's maps from the same, in the other
 * direction, so that an error in either shows. RNCL_TEST_DEVICE as in test_check.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check_trial.h"
#include "matrix_unit.h"
#include "util.h"

static rncl_device_list *devices;
static const rncl_device *device;

static int choose_device(void **state)
{
    (void)state;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

#define SHAPE(N, H, W, C, R, S, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        N, H, W, C, K, R, S, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,                            \
            ((W) + 2 * (PAD) - (S)) / (STRIDE) + 1                                                           \
    }

static const rncl_conv_shape any_shapes[] = {
    SHAPE(2, 7, 6, 8, 3, 3, 20, 2, 1),  /* phases; columns that are no multiple of a fragment's */
    SHAPE(1, 6, 5, 17, 2, 3, 9, 1, 2),  /* odd channels: loads of one float */
    SHAPE(3, 5, 4, 12, 1, 1, 7, 3, 0),  /* phases without taps, odd outputs */
    SHAPE(6, 1, 1, 20, 1, 1, 36, 1, 0), /* a fully connected layer */
};

/* Loads of 8 and 4, and of 1 and 2 elements. */
static const rncl_conv_shape shapes_of_elements[] = {
    SHAPE(2, 7, 6, 24, 3, 3, 20, 2, 1),
    SHAPE(1, 6, 5, 17, 2, 3, 10, 1, 2),
};

static const rncl_conv_shape winograd_shapes[] = {
    SHAPE(3, 7, 6, 20, 3, 3, 12, 1, 1), /* tiles that are partly outside */
    SHAPE(2, 5, 9, 9, 3, 3, 17, 1, 0),  /* odd channels: loads of one float */
};

typedef struct unit_test {
    const char *unit, *algorithm;
    rncl_precision precision;
    rncl_setting setting; /* no algorithm: presets */
    rncl_setting filter;  /* of the filter gradient; no algorithm: as `setting` */
} unit_test;

#define UNIT(NAME, PRECISION)                                                                                \
    {                                                                                                        \
        .unit = (NAME), .algorithm = "mma", .precision = RNCL_PRECISION_##PRECISION                          \
    }
#define WINOGRAD(NAME, PRECISION, ...)                                                                       \
    {                                                                                                        \
        .unit = (NAME), .algorithm = "mma_winograd", .precision = RNCL_PRECISION_##PRECISION, __VA_ARGS__    \
    }

static unit_test unit_tests[] = {
    UNIT("nvidia-tf32", FP32),
    UNIT("nvidia-tf32", TF32),
    UNIT("nvidia-bf16", BF16),
    UNIT("amd-wmma-bf16", BF16),
    UNIT("amd-mfma-f32", FP32),
    UNIT("amd-mfma-bf16", BF16),
    UNIT("intel-bf16-8", BF16),
    UNIT("intel-bf16-16", BF16),
    UNIT("intel-tf32-16", TF32),
    UNIT("nvidia-bf16", BF16_TENSORS),
    UNIT("amd-wmma-bf16", BF16_TENSORS),
    UNIT("amd-mfma-bf16", BF16_TENSORS),
    UNIT("intel-bf16-8", BF16_TENSORS),
    UNIT("intel-bf16-16", BF16_TENSORS),
    WINOGRAD("nvidia-tf32", FP32),
    WINOGRAD("nvidia-tf32", TF32),
    WINOGRAD("nvidia-tf32", FP32, .setting = {"mma_winograd", 3, {{"images", 2}, {"m", 2}, {"fr", 1}}},
             .filter = {"mma_winograd", 4, {{"m", 2}, {"tk", 8}, {"fc", 2}, {"split", 2}}}),
    WINOGRAD("amd-mfma-f32", FP32),
    WINOGRAD("intel-tf32-16", FP32),
};

static rncl_context *contexts[COUNT(unit_tests)];

static bool is_winograd(const unit_test *test)
{
    return !strcmp(test->algorithm, "mma_winograd");
}

/* Returns how many. */
static size_t shapes_of(const unit_test *test, const rncl_conv_shape **shapes)
{
    if (test->precision == RNCL_PRECISION_BF16_TENSORS) {
        *shapes = shapes_of_elements;
        return COUNT(shapes_of_elements);
    }
    *shapes = is_winograd(test) ? winograd_shapes : any_shapes;
    return is_winograd(test) ? COUNT(winograd_shapes) : COUNT(any_shapes);
}

static const rncl_setting *look_up(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc;
    const unit_test *test = state;
    if (pass == RNCL_CONV_BACKWARD_FILTER && test->filter.algorithm[0])
        return &test->filter;
    return test->setting.algorithm[0] ? &test->setting : NULL;
}

typedef struct results {
    int count, sums; /* those of a gradient's sums */
    double most;     /* error */
} results;

static void expect_right(void *user, const rncl_check_result *result)
{
    results *r = user;
    r->count++;
    r->sums += strstr(result->name, ": gradient_sums") != NULL;
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

/* That of unit_tests[i], whose programs are built once for all tests. */
static rncl_context *context_of(const unit_test *test)
{
    rncl_context **context = &contexts[test - unit_tests];
    if (!*context)
        *context = open_unit(test);
    return *context;
}

static results run(unit_test *test, rncl_context *context, const rncl_conv_shape *shape,
                   const check_variant *variant)
{
    results r = {0};
    check_trial trial = {
        .context = context,
        .c.desc = {.kind = RNCL_OP_conv, .conv = *shape},
        .variant = variant,
        .algorithm = test->algorithm,
        .tuned = {.lookup = look_up, .state = test},
        .random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0),
    };
    for (int index = 0; index < RNCL_OP_PASSES; index++) {
        rncl_pass pass = {.context = context, .desc = trial.c.desc, .index = index};
        bool exact;
        assert_true(rncl_pass_supports(&pass, test->algorithm, &exact));
        assert_int_equal(exact, !is_winograd(test));
        const rncl_setting *setting = look_up(test, &pass.desc, index);
        if (setting)
            assert_true(rncl_pass_take(&pass, setting));
    }
    assert_int_equal(check_trial_run(&trial, expect_right, &r), RNCL_OK);
    assert_true(r.count > 0);
    return r;
}

/* Integers are exact in every precision of floats, normal numbers within the tolerance of the precision. */
static void products_match_the_reference(void **state)
{
    unit_test *test = *state;
    rncl_context *context = context_of(test);
    const rncl_conv_shape *shapes;
    const size_t count = shapes_of(test, &shapes);
    for (size_t i = 0; i < count; i++) {
        if (!is_winograd(test))
            run(test, context, &shapes[i], variant_of("integers"));
        run(test, context, &shapes[i], variant_of("normal, accumulated"));
    }
}

/* Three products are as exact as float32, one is not: the rounding is really there. */
static void a_precision_rounds_as_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *unit, *algorithm;
        rncl_precision precision;
        double least, most;
    } roundings[] = {
        {"nvidia-tf32", "mma", RNCL_PRECISION_FP32, 0, 3e-7},
        {"nvidia-tf32", "mma", RNCL_PRECISION_TF32, 1e-4, 5e-4},
        {"nvidia-bf16", "mma", RNCL_PRECISION_BF16, 1e-3, 4e-3},
        {"amd-mfma-f32", "mma", RNCL_PRECISION_TF32, 0, 3e-7},
        {"nvidia-tf32", "mma_winograd", RNCL_PRECISION_FP32, 0, 2e-6},
        {"nvidia-tf32", "mma_winograd", RNCL_PRECISION_TF32, 1e-4, 1e-3},
    };
    static const rncl_conv_shape strided = SHAPE(2, 7, 6, 8, 3, 3, 20, 2, 1),
                                 dense = SHAPE(2, 7, 6, 8, 3, 3, 20, 1, 1);
    for (size_t i = 0; i < COUNT(roundings); i++) {
        unit_test test = {.unit = roundings[i].unit,
                          .algorithm = roundings[i].algorithm,
                          .precision = roundings[i].precision};
        rncl_context *context = open_unit(&test);
        const results r = run(&test, context, is_winograd(&test) ? &dense : &strided, variant_of("normal"));
        if (r.most < roundings[i].least || r.most > roundings[i].most)
            fail_msg("%s on %s for %s: error %g", test.algorithm, test.unit,
                     rncl_precision_name(test.precision), r.most);
        rncl_context_destroy(context);
    }
}

/* Whether the input gradient leaves sums, which must then be right: not where its depth has shares. */
static int run_with_sums(unit_test *test, rncl_context *context, const rncl_conv_shape *shape)
{
    const check_variant *variants[CHECK_VARIANTS];
    const size_t count = check_sums_variants_of(RNCL_OP_conv, variants);
    int left = 0;
    for (size_t i = 0; i < count; i++) {
        const results r = run(test, context, shape, variants[i]);
        left += r.sums;
    }
    return left;
}

/* Of before_x and of signs, of dx alone and of what it is added to; Winograd's method leaves none with signs.
 */
static void sums_of_a_gradient_match_the_reference(void **state)
{
    (void)state;
    int left = 0, least = 0;
    for (size_t u = 0; u < COUNT(unit_tests); u++) {
        rncl_context *context = context_of(&unit_tests[u]);
        const rncl_conv_shape *shapes;
        const size_t count = shapes_of(&unit_tests[u], &shapes);
        for (size_t i = 0; i < count; i++)
            left += run_with_sums(&unit_tests[u], context, &shapes[i]);
        least += is_winograd(&unit_tests[u]) ? (int)count : 2 * 3;
    }
    assert_true(left >= least);
}

static int release_devices(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(contexts); i++)
        rncl_context_destroy(contexts[i]);
    rncl_device_list_destroy(devices);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[COUNT(unit_tests) + 2] = {
        cmocka_unit_test(a_precision_rounds_as_it_says),
        cmocka_unit_test(sums_of_a_gradient_match_the_reference),
    };
    char names[COUNT(unit_tests)][96];
    for (size_t i = 0; i < COUNT(unit_tests); i++) {
        snprintf(names[i], sizeof names[i], "products_match_the_reference %s %s %s", unit_tests[i].algorithm,
                 unit_tests[i].unit, rncl_precision_name(unit_tests[i].precision));
        tests[i + 2] = (struct CMUnitTest){
            .name = names[i], .test_func = products_match_the_reference, .initial_state = &unit_tests[i]};
    }
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
