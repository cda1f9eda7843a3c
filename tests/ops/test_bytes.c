/* The bytes that batch normalisation and pooling say they move, against figures counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "context.h"
#include "op.h"

enum { IMAGES = 2, SIDE = 4, CHANNELS = 8, X = IMAGES * SIDE * SIDE * CHANNELS };

static rncl_context imagined(void)
{
    rncl_context context = {.info = {.type = RNCL_DEVICE_GPU,
                                     .vector_width = 1,
                                     .compute_units = 1,
                                     .local_memory = 32 << 10,
                                     .max_work_group_size = 256,
                                     .max_work_items = {256, 256, 64}}};
    context.device_class = rncl_device_class_of(&context.info);
    context.traits = rncl_device_traits_of(&context.info);
    return context;
}

/* In floats, without the few of the sums. */
static uint64_t floats_of(rncl_op_desc desc, int index, rncl_op_choice choice)
{
    rncl_context context = imagined();
    rncl_pass pass = {.context = &context, .desc = desc, .index = index, .choice = choice};
    assert_true(rncl_pass_take_row(&pass, 0));
    return pass.row->bytes(&pass) / sizeof(float) / X;
}

static rncl_op_desc normalisation(int residual)
{
    return (rncl_op_desc){.kind = RNCL_OP_batchnorm,
                          .batchnorm = {.n = IMAGES,
                                        .h = SIDE,
                                        .w = SIDE,
                                        .c = CHANNELS,
                                        .relu = 1,
                                        .residual = residual,
                                        .residual_h = SIDE,
                                        .residual_w = SIDE,
                                        .residual_c = CHANNELS,
                                        .residual_stride = 1}};
}

static void given_statistics_save_reading_x(void **state)
{
    (void)state;
    const rncl_op_desc desc = normalisation(RNCL_RESIDUAL_NONE);
    assert_int_equal(floats_of(desc, RNCL_OP_FORWARD, (rncl_op_choice){0}), 3);
    assert_int_equal(floats_of(desc, RNCL_OP_FORWARD, (rncl_op_choice){.statistics_parts = 1}), 2);
}

static void backward_moves_five_tensors_and_with_a_residual_six_and_signs(void **state)
{
    (void)state;
    assert_int_equal(floats_of(normalisation(RNCL_RESIDUAL_NONE), RNCL_OP_BACKWARD, (rncl_op_choice){0}), 5);
    assert_int_equal(floats_of(normalisation(RNCL_RESIDUAL_ADD), RNCL_OP_BACKWARD, (rncl_op_choice){0}), 6);
}

static void given_sums_save_reading_dy_and_x(void **state)
{
    (void)state;
    const rncl_op_choice given = {.gradient_parts = 1};
    assert_int_equal(floats_of(normalisation(RNCL_RESIDUAL_NONE), RNCL_OP_BACKWARD, given), 3);
    assert_int_equal(floats_of(normalisation(RNCL_RESIDUAL_ADD), RNCL_OP_BACKWARD, given), 4);
    const rncl_op_choice given_dz = {.gradient_parts = 1, .given_dz = true};
    assert_int_equal(floats_of(normalisation(RNCL_RESIDUAL_ADD), RNCL_OP_BACKWARD, given_dz), 3);
}

static void pooling_moves_its_input_its_output_and_the_taps(void **state)
{
    (void)state;
    const rncl_op_desc desc = {
        .kind = RNCL_OP_maxpool,
        .maxpool = {IMAGES, SIDE, SIDE, CHANNELS, .size = 1, .stride = 1, .p = SIDE, .q = SIDE}};
    rncl_context context = imagined();
    rncl_pass pass = {.context = &context, .desc = desc};
    assert_true(rncl_pass_take_row(&pass, 0));
    assert_int_equal(pass.row->bytes(&pass), X * (2 * sizeof(float) + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_statistics_save_reading_x),
        cmocka_unit_test(given_sums_save_reading_dy_and_x),
        cmocka_unit_test(backward_moves_five_tensors_and_with_a_residual_six_and_signs),
        cmocka_unit_test(pooling_moves_its_input_its_output_and_the_taps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
