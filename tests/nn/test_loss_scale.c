/* When the loss's scale changes. */
#include "loss_scale.h"

#include <math.h>

#include "nn_test.h"
#include "util.h"

static void it_halves_after_a_step_that_was_not_taken(void **state)
{
    (void)state;
    rncl_loss_scale scale = rncl_loss_scale_start();
    assert_true(scale.scale == 65536);
    assert_true(rncl_loss_scale_step(&scale, true));
    assert_true(scale.scale == 65536 && scale.steps == 1);
    assert_true(rncl_loss_scale_step(&scale, false));
    assert_true(scale.scale == 32768 && scale.steps == 0);
    assert_true(rncl_loss_scale_step(&scale, false));
    assert_true(scale.scale == 16384);
}

static void it_doubles_after_2000_steps_in_a_row(void **state)
{
    (void)state;
    rncl_loss_scale scale = rncl_loss_scale_start();
    for (int i = 0; i < 1999; i++)
        rncl_loss_scale_step(&scale, true);
    assert_true(scale.scale == 65536);
    rncl_loss_scale_step(&scale, false);
    for (int i = 0; i < 1999; i++)
        rncl_loss_scale_step(&scale, true);
    assert_true(scale.scale == 32768 && scale.steps == 1999);
    rncl_loss_scale_step(&scale, true);
    assert_true(scale.scale == 65536 && scale.steps == 0);
}

static void it_does_not_fall_below_1(void **state)
{
    (void)state;
    rncl_loss_scale scale = rncl_loss_scale_start();
    for (int i = 0; i < 16; i++)
        assert_true(rncl_loss_scale_step(&scale, false));
    assert_true(scale.scale == 1);
    assert_false(rncl_loss_scale_step(&scale, false));
    assert_true(scale.scale == 1);
    assert_true(rncl_loss_scale_step(&scale, true));
}

static void it_stays_a_float(void **state)
{
    (void)state;
    rncl_loss_scale scale = rncl_loss_scale_start();
    for (int i = 0; i < 150 * 2000; i++)
        rncl_loss_scale_step(&scale, true);
    assert_true(scale.scale == 0x1p127);
    assert_true(rncl_loss_scale_is_possible(&scale));
}

static void what_no_run_can_have_is_known(void **state)
{
    (void)state;
    static const rncl_loss_scale possible[] = {{1, 0}, {0x1p16, 1999}, {0x1p127, 5}};
    static const rncl_loss_scale impossible[] = {{0.5, 0}, {3, 0},       {0x1p128, 0}, {INFINITY, 0},
                                                 {NAN, 0}, {-0x1p16, 0}, {1, 2000},    {1, -1}};
    for (size_t i = 0; i < COUNT(possible); i++)
        assert_true(rncl_loss_scale_is_possible(&possible[i]));
    for (size_t i = 0; i < COUNT(impossible); i++)
        assert_false(rncl_loss_scale_is_possible(&impossible[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_halves_after_a_step_that_was_not_taken),
        cmocka_unit_test(it_doubles_after_2000_steps_in_a_row),
        cmocka_unit_test(it_does_not_fall_below_1),
        cmocka_unit_test(it_stays_a_float),
        cmocka_unit_test(what_no_run_can_have_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
