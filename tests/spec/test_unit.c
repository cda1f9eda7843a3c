/* The size that rounding errors are of where sums cancel. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spec.h"

/* A background of one value under gradients of either sign: the sum is zero, its parts are not. */
static void filter_gradients_are_as_large_as_their_terms(void **state)
{
    (void)state;
    enum { PIXELS = 2 * 4 * 4 };
    const rncl_spec_case c = {
        .desc =
            {.kind = RNCL_OP_conv,
             .conv = {.n = 2, .h = 4, .w = 4, .c = 1, .k = 1, .r = 1, .s = 1, .stride = 1, .p = 4, .q = 4}},
        .pass = 2,
    };
    double x[PIXELS], dy[PIXELS], dweight = 0, *tensors[RNCL_SLOTS] = {NULL};
    for (int i = 0; i < PIXELS; i++) {
        x[i] = -0.5;
        dy[i] = i % 2 ? 3 : -3;
    }
    tensors[RNCL_SLOT_x] = x;
    tensors[RNCL_SLOT_dy] = dy;
    tensors[RNCL_SLOT_dweight] = &dweight;
    rncl_spec_of(RNCL_OP_conv)->reference(&c, tensors);
    assert_true(dweight == 0);
    assert_true(rncl_spec_of(RNCL_OP_conv)->unit(&c, tensors, RNCL_SLOT_dweight) == 1.5 * PIXELS);
    assert_true(dweight == 0);
    assert_true(x[0] == -0.5);
}

/* The second channel's gradients are larger; those of parameters are sums over 8 rows. */
static void parameter_gradients_of_normalisations_are_too(void **state)
{
    (void)state;
    const rncl_spec_case c = {
        .desc = {.kind = RNCL_OP_batchnorm, .batchnorm = {.n = 2, .h = 2, .w = 2, .c = 2}}, .pass = 1};
    double dy[2 * 2 * 2 * 2], *tensors[RNCL_SLOTS] = {NULL};
    for (int i = 0; i < 16; i++)
        dy[i] = (i % 2 ? 5 : 1) * (i / 2 % 2 ? 1 : -1);
    tensors[RNCL_SLOT_dy] = dy;
    const rncl_spec *spec = rncl_spec_of(RNCL_OP_batchnorm);
    assert_true(fabs(spec->unit(&c, tensors, RNCL_SLOT_dbias) - 8 * 5) < 1e-9);
    assert_true(fabs(spec->unit(&c, tensors, RNCL_SLOT_dweight) - 8 * 5) < 1e-9);
    assert_true(spec->unit(&c, tensors, RNCL_SLOT_dx) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter_gradients_are_as_large_as_their_terms),
        cmocka_unit_test(parameter_gradients_of_normalisations_are_too),
    };
    return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
