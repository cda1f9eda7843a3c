/* Charts in text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_chart.h"

enum { WIDTH = 18, HEIGHT = 5 };

/* The rows, each ended by a line break. Caller frees. */
static char *draw(const rncl_text_chart_options *options)
{
    rncl_text_chart *chart;
    char *text;
    size_t size;
    assert_int_equal(rncl_text_chart_create(options, &chart), RNCL_OK);
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (size_t row = 0; row < options->height; row++) {
        rncl_text_chart_row(chart, row, stream);
        putc('\n', stream);
    }
    fclose(stream);
    rncl_text_chart_destroy(chart);
    return text;
}

static const double x[] = {0, 10, 20, 30}, y[] = {1, 2, 3, 4};

static rncl_text_chart_options rising(void)
{
    return (rncl_text_chart_options){.title = "rising",
                                     .series = {{.x = x, .y = y, .count = 4}},
                                     .series_count = 1,
                                     .width = WIDTH,
                                     .height = HEIGHT};
}

static void a_line_rises_from_corner_to_corner(void **state)
{
    (void)state;
    rncl_text_chart_options options = rising();
    options.ascii = true;
    char *text = draw(&options);
    assert_string_equal(text, "        rising    \n"
                              "      4        ...\n"
                              "           ....   \n"
                              "      1 ...       \n"
                              "        0       30\n");
    free(text);
}

static void rows_are_as_wide_as_asked_for(void **state)
{
    (void)state;
    static const double odd[] = {NAN, 1e-300, INFINITY, 1e300};
    rncl_text_chart_options options = rising();
    options.series[1] = (rncl_text_series){.x = x, .y = odd, .count = 4, .bold = true};
    options.series_count = 2;
    char *text = draw(&options);
    size_t columns = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            assert_int_equal(columns, WIDTH);
        columns = *c == '\n' ? 0 : columns + (((unsigned char)*c & 0xc0) != 0x80);
    }
    assert_null(strchr(text, '\033'));
    free(text);
    options.colour = true;
    text = draw(&options);
    assert_non_null(strstr(text, "\033[36m"));
    free(text);
}

static void nothing_to_draw_is_an_empty_chart(void **state)
{
    (void)state;
    rncl_text_chart_options options = rising();
    options.series[0].count = 0;
    char *text = draw(&options);
    assert_string_equal(text, "        rising    \n"
                              "      1           \n"
                              "                  \n"
                              "      0           \n"
                              "        0        1\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_rises_from_corner_to_corner),
        cmocka_unit_test(rows_are_as_wide_as_asked_for),
        cmocka_unit_test(nothing_to_draw_is_an_empty_chart),
    };
    return cmocka_run_group_tests_name("text charts", tests, NULL, NULL);
}
