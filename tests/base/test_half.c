/* half on the host. */
#include "half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static void every_half_is_read_and_written_as_it_was(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits <= 0xffff; bits++) {
        const float value = rncl_half_to_float((uint16_t)bits);
        if (isnan(value))
            assert_true(isnan(rncl_half_to_float(rncl_half_of(value))));
        else
            assert_int_equal(rncl_half_of(value), bits);
    }
}

/* Between two neighbours the even one is taken; the smallest distance decides otherwise. */
static void values_between_two_go_to_the_nearest(void **state)
{
    (void)state;
    for (uint16_t bits = 0; bits < 0x7bff; bits++) {
        const float low = rncl_half_to_float(bits), high = rncl_half_to_float((uint16_t)(bits + 1));
        const float middle = 0.5f * (low + high);
        assert_int_equal(rncl_half_of(middle), bits + bits % 2);
        assert_int_equal(rncl_half_of(nextafterf(middle, 0)), bits);
        assert_int_equal(rncl_half_of(nextafterf(middle, INFINITY)), bits + 1);
        assert_int_equal(rncl_half_of(-middle), (bits + bits % 2) | 0x8000);
    }
}

static void what_is_too_large_becomes_infinite(void **state)
{
    (void)state;
    assert_int_equal(rncl_half_of(65504), 0x7bff);
    assert_int_equal(rncl_half_of(nextafterf(65520, 0)), 0x7bff);
    assert_int_equal(rncl_half_of(65520), 0x7c00);
    assert_int_equal(rncl_half_of(-1e30f), 0xfc00);
    assert_int_equal(rncl_half_of(-INFINITY), 0xfc00);
    assert_int_equal(rncl_half_of(-0.0f), 0x8000);
    assert_int_equal(rncl_half_of(0x1p-26f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_read_and_written_as_it_was),
        cmocka_unit_test(values_between_two_go_to_the_nearest),
        cmocka_unit_test(what_is_too_large_becomes_infinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
