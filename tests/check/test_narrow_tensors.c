/* Operations on tensors of bfloat16 and of half against the host reference. RNCL_TEST_DEVICE,
 * RNCL_TEST_SHAPES and RNCL_TEST_WORK as in test_check.c; no device but a CPU stores tensors so. Its kernels
 * of half need no cl_khr_fp16: it is said to have that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check.h"
#include "op.h"
#include "util.h"

/* Few, since each takes seconds to compile; `rncl check --precision` has more. */
enum { SHAPES = 2, WORK = 100000 };

static rncl_device_list *devices;
static rncl_context *context;

static long number_from(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static int open_in(rncl_precision precision)
{
    const rncl_device *device;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device) ||
        rncl_context_create(device, NULL, &context)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    context->info.fp16 = true;
    setenv("RNCL_MATRIX_UNIT", precision == RNCL_PRECISION_FP16_TENSORS ? "off" : "", 1);
    rncl_precision_request(context, precision);
    unsetenv("RNCL_MATRIX_UNIT");
    return 0;
}

static int open_in_bf16(void **state)
{
    (void)state;
    return open_in(RNCL_PRECISION_BF16_TENSORS);
}

static int open_in_fp16(void **state)
{
    (void)state;
    return open_in(RNCL_PRECISION_FP16_TENSORS);
}

static int close_device(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    rncl_device_list_destroy(devices);
    return 0;
}

static void print_failure(void *user, const rncl_check_result *result)
{
    (void)user;
    if (!result->ok)
        print_error("%s: error %.3g, tolerance %.3g\n", result->name, result->error, result->tolerance);
}

static void the_operation_matches_the_reference(void **state)
{
    const rncl_check_options options = {
        .seed = 1,
        .shapes = (int)number_from("RNCL_TEST_SHAPES", SHAPES),
        .work = (size_t)number_from("RNCL_TEST_WORK", WORK),
        .filter = *state,
        .report = print_failure,
    };
    rncl_check_summary summary;
    if (!rncl_precision_is_narrow(context->precision))
        skip();
    if (rncl_check_run(context, &options, &summary))
        fail_msg("%s", rncl_status_message());
    assert_int_equal(summary.failed, 0);
    assert_true(summary.passed >= options.shapes);
}

/* How convolutions multiply: by the device's own means, which is what the others do, or as here. */
typedef struct products {
    const char *unit;  /* RNCL_MATRIX_UNIT */
    int vector_floats; /* of the device; 0: its own */
    const char *name;
} products;

static const products widened = {"off", 0, "convolutions of widened elements match the reference"},
                      of_x86 = {"x86-bf16", 0, "convolutions of x86's pairs, emulated, match the reference"},
                      of_arm = {"arm-bf16", 4, "convolutions of ARM's pairs, emulated, match the reference"};

static void convolutions_match_with_other_products(void **state)
{
    const products *p = *state;
    const rncl_matrix_state own = context->matrix;
    const rncl_device_traits traits = context->traits;
    if (p->vector_floats)
        context->traits.vector_floats = p->vector_floats;
    char operation[] = "conv", *of_operation = operation;
    context->matrix = (rncl_matrix_state){0};
    setenv("RNCL_MATRIX_UNIT", p->unit, 1);
    if (context->precision == RNCL_PRECISION_BF16_TENSORS)
        assert_int_equal(!rncl_matrix_unit_of(context), p == &widened);
    unsetenv("RNCL_MATRIX_UNIT");
    the_operation_matches_the_reference((void **)&of_operation);
    context->matrix = own;
    context->traits = traits;
}

/* Parameters, their gradients and the logits do not. */
static void activations_alone_are_stored_in_two_bytes(void **state)
{
    (void)state;
    static const rncl_op_desc conv = {
        .kind = RNCL_OP_conv,
        .conv = {.n = 1, .h = 4, .w = 4, .c = 16, .k = 16, .r = 1, .s = 1, .stride = 1, .p = 4, .q = 4}};
    static const rncl_op_desc linear = {.kind = RNCL_OP_linear, .linear = {.n = 2, .c = 16, .k = 16}};
    rncl_op *ops[2];
    if (!rncl_precision_is_narrow(context->precision))
        skip();
    assert_int_equal(rncl_op_create(context, &conv, NULL, &ops[0]), RNCL_OK);
    assert_int_equal(rncl_op_create(context, &linear, NULL, &ops[1]), RNCL_OK);
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
        const unsigned elements = rncl_pass_elements(&ops[0]->passes[pass]);
        assert_true(elements & RNCL_SLOT_BIT(x) && elements & RNCL_SLOT_BIT(dy));
        assert_false(elements & (RNCL_SLOT_BIT(weight) | RNCL_SLOT_BIT(dweight)));
        assert_int_equal(rncl_pass_element_bytes(&ops[0]->passes[pass]), 2);
        assert_int_equal(rncl_pass_elements(&ops[1]->passes[pass]), 0);
    }
    rncl_op_destroy(ops[0]);
    rncl_op_destroy(ops[1]);
}

/* What bfloat16 is made of: pairs of it, and words that hold its bits. */
static void half_is_multiplied_as_floats(void **state)
{
    (void)state;
    if (context->precision != RNCL_PRECISION_FP16_TENSORS)
        skip();
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++)
        assert_false(rncl_matrix_unit_serves(unit, context->precision));
    assert_null(rncl_matrix_unit_of(context));
}

int main(void)
{
    static char *const names[] = {"conv", "batchnorm", "maxpool", "avgpool", "linear", "mixup"};
    enum { OTHERS = 4, OF_HALF = 2 };
    struct CMUnitTest of_half[OF_HALF + COUNT(names)] = {
        cmocka_unit_test(activations_alone_are_stored_in_two_bytes),
        cmocka_unit_test(half_is_multiplied_as_floats),
    };
    struct CMUnitTest tests[OTHERS + COUNT(names)] = {
        cmocka_unit_test(activations_alone_are_stored_in_two_bytes),
        {widened.name, convolutions_match_with_other_products, NULL, NULL, (void *)&widened},
        {of_x86.name, convolutions_match_with_other_products, NULL, NULL, (void *)&of_x86},
        {of_arm.name, convolutions_match_with_other_products, NULL, NULL, (void *)&of_arm},
    };
    for (size_t i = 0; i < COUNT(names); i++)
        of_half[i + OF_HALF] = tests[i + OTHERS] = (struct CMUnitTest){
            .name = names[i], .test_func = the_operation_matches_the_reference, .initial_state = names[i]};
    const int failed = cmocka_run_group_tests_name("half", of_half, open_in_fp16, close_device) +
                       cmocka_run_group_tests_name("bfloat16", tests, open_in_bf16, close_device);
    return failed;
}
