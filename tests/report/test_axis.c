/* Axes end at round numbers, and their ticks are labelled as people write numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "axis.h"
#include "util.h"

/* The labels, with a stroke for each tick that has none. */
static void expect_ticks(const rncl_axis *axis, const char *expected)
{
    rncl_axis_tick ticks[RNCL_AXIS_TICKS];
    char text[1024] = "";
    size_t length = 0;
    const size_t count = rncl_axis_ticks(axis, ticks);
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i ? " " : "",
                                   ticks[i].text[0] ? ticks[i].text : "'");
    assert_string_equal(text, expected);
}

static void linear_ticks_have_the_places_of_their_step(void **state)
{
    (void)state;
    const struct {
        double most;
        const char *ticks;
    } axes[] = {{469, "0 100 200 300 400"},
                {2.9, "0.0 0.5 1.0 1.5 2.0 2.5"},
                {0.3, "0.00 0.05 0.10 0.15 0.20 0.25 0.30"},
                {64000, "0k 20k 40k 60k"},
                {0, "0.0 0.2 0.4 0.6 0.8 1.0"}};
    for (size_t i = 0; i < COUNT(axes); i++) {
        const rncl_axis axis = rncl_axis_linear(axes[i].most, 6);
        expect_ticks(&axis, axes[i].ticks);
    }
}

static void a_rounded_axis_ends_at_a_tick_and_no_further(void **state)
{
    (void)state;
    assert_true(fabs(rncl_axis_rounded(2.6, 6).to - 3) < 1e-12);
    assert_true(fabs(rncl_axis_rounded(0.3, 6).to - 0.3) < 1e-12);
    const rncl_axis between = rncl_axis_between(1.93, 2.54, 6);
    expect_ticks(&between, "1.8 2.0 2.2 2.4 2.6");
}

static void logarithmic_axes_lie_closely_around_their_values(void **state)
{
    (void)state;
    const rncl_axis wide = rncl_axis_logarithmic(0.0003, 2.3), narrow = rncl_axis_logarithmic(0.15, 0.9),
                    single = rncl_axis_logarithmic(10, 10);
    assert_true(fabs(wide.from / 0.0002 - 1) < 1e-9 && fabs(wide.to / 5 - 1) < 1e-9);
    expect_ticks(&narrow, "0.1 0.2 ' ' 0.5 ' ' ' ' 1");
    expect_ticks(&wide,
                 "' ' ' ' ' ' ' ' 0.001 ' ' ' ' ' ' ' ' 0.01 ' ' ' ' ' ' ' ' 0.1 ' ' ' ' ' ' ' ' 1 ' ' ' '");
    expect_ticks(&single, "10 20 ' ' 50 ' ' ' ' 100");
}

static void values_lie_between_the_ends(void **state)
{
    (void)state;
    rncl_axis linear = rncl_axis_linear(10, 5), logarithmic = rncl_axis_logarithmic(0.1, 10);
    linear.first = logarithmic.first = 100;
    linear.last = logarithmic.last = 20; /* upwards in a picture */
    assert_true(fabs(rncl_axis_at(&linear, 2.5) - 80) < 1e-9);
    assert_true(fabs(rncl_axis_at(&logarithmic, 1) - 60) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_ticks_have_the_places_of_their_step),
        cmocka_unit_test(a_rounded_axis_ends_at_a_tick_and_no_further),
        cmocka_unit_test(logarithmic_axes_lie_closely_around_their_values),
        cmocka_unit_test(values_lie_between_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
