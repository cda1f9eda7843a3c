/* bfloat16: rounding to the nearest, to even between two. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bfloat16.h"
#include "util.h"

static void values_that_fit_stay_as_they_are(void **state)
{
    (void)state;
    static const float values[] = {0.0f, 1.0f, -2.0f, 0.5f, 255.0f, 0x1.fep127f, 0x1p-126f, INFINITY};
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_true(rncl_bfloat16_to_float(rncl_bfloat16_of(values[i])) == values[i]);
        assert_true(rncl_bfloat16_to_float(rncl_bfloat16_of(-values[i])) == -values[i]);
    }
}

static void others_become_the_nearest_and_even_between_two(void **state)
{
    (void)state;
    static const struct {
        float value, rounded;
    } cases[] = {
        {257.0f, 256.0f},           {259.0f, 260.0f},      {258.0f, 258.0f},
        {1025.0f, 1024.0f},         {-257.0f, -256.0f},    {-259.0f, -260.0f},
        {0x1.010002p0f, 0x1.02p0f}, {0x1.00fffep0f, 1.0f}, {0x1.fffffep127f, INFINITY},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(rncl_bfloat16_to_float(rncl_bfloat16_of(cases[i].value)) == cases[i].rounded);
}

static void a_nan_stays_one(void **state)
{
    (void)state;
    const uint32_t patterns[] = {0x7f800001, 0x7fffffff, 0xffc00000, 0xff800001};
    for (size_t i = 0; i < COUNT(patterns); i++) {
        float value;
        memcpy(&value, &patterns[i], sizeof value);
        assert_true(isnan(rncl_bfloat16_to_float(rncl_bfloat16_of(value))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_fit_stay_as_they_are),
        cmocka_unit_test(others_become_the_nearest_and_even_between_two),
        cmocka_unit_test(a_nan_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
