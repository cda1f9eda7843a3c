/* Tables and the progress line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meter.h"
#include "table.h"

static const rncl_progress reading = {
    .step = 120,
    .steps = 5600,
    .epoch = 0.51,
    .epochs = 24,
    .loss = 0.31234,
    .top1 = 89.06,
    .images_per_second = 2031.4,
    .seconds = 9,
    .first_step_seconds = 1,
    .seconds_left = 275,
    .waiting = 0.0123,
};

/* Everything written to a stream; the caller closes it before reading the text. */
typedef struct capture {
    FILE *stream;
    char *text;
    size_t size;
} capture;

static capture *start_capture(void)
{
    static capture c;
    c = (capture){0};
    c.stream = open_memstream(&c.text, &c.size);
    assert_non_null(c.stream);
    return &c;
}

static void assert_captured(capture *c, const char *expected)
{
    fclose(c->stream);
    assert_string_equal(c->text, expected);
    free(c->text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    rncl_table *table;
    assert_int_equal(rncl_table_create("layer\tcount\tnote", "lrl", &table), RNCL_OK);
    assert_int_equal(rncl_table_add(table, "%s\t%d\t%s", "conv1", 7, "a"), RNCL_OK);
    assert_int_equal(rncl_table_add(table, "fc\t1234567\t"), RNCL_OK);
    capture *c = start_capture();
    rncl_table_print(table, c->stream);
    rncl_table_destroy(table);
    assert_captured(c, "layer    count  note\n"
                       "conv1        7  a\n"
                       "fc     1234567  \n");
}

static void the_last_column_is_broken_between_words(void **state)
{
    (void)state;
    static const char unbroken[] = "pad1pad2pad3pad4pad5pad6pad7pad8pad9pad0pad1pad2pad3pad4pad5pad6pad7";
    rncl_table *table;
    assert_int_equal(rncl_table_create("gain\tproblem", "rl", &table), RNCL_OK);
    assert_int_equal(rncl_table_add(table,
                                    "1.25\tbackward_data n4 h16 w16 c16 k32 r3 s3 stride2 pad1: winograd "
                                    "m=4 kv=1 pt=8 tiles=8"),
                     RNCL_OK);
    assert_int_equal(rncl_table_add(table, "1.00\t%s%s", unbroken, "end"), RNCL_OK);
    assert_int_equal(rncl_table_add(table, "1.00\t%s%s", unbroken, "12345678"), RNCL_OK);
    capture *c = start_capture();
    rncl_table_print(table, c->stream); /* no terminal: 80 columns */
    rncl_table_destroy(table);
    assert_captured(c, "gain  problem\n"
                       "1.25  backward_data n4 h16 w16 c16 k32 r3 s3 stride2 pad1: winograd m=4 kv=1\n"
                       "      pt=8 tiles=8\n"
                       "1.00  pad1pad2pad3pad4pad5pad6pad7pad8pad9pad0pad1pad2pad3pad4pad5pad6pad7end\n"
                       "1.00  pad1pad2pad3pad4pad5pad6pad7pad8pad9pad0pad1pad2pad3pad4pad5pad6pad7123456\n"
                       "      78\n");
}

static void a_wide_line_shows_everything(void **state)
{
    (void)state;
    char line[256];
    rncl_meter_format(&reading, 200, false, line, sizeof line);
    assert_string_equal(line, "epoch 1/24  step 120/5600  loss 0.3123  top-1 89.1 %  2031 img/s  4:35 left  "
                              "1.2 % waiting");
}

static void a_speed_over_less_than_a_second_is_left_out(void **state)
{
    (void)state;
    rncl_progress young = reading;
    char line[256];
    young.first_step_seconds = young.seconds - 0.9;
    rncl_meter_format(&young, 200, false, line, sizeof line);
    assert_null(strstr(line, "img/s"));
}

static void a_narrow_line_fits_and_keeps_the_loss(void **state)
{
    (void)state;
    char line[256];
    for (size_t width = 11; width < 120; width++) {
        rncl_meter_format(&reading, width, false, line, sizeof line);
        assert_true(strlen(line) <= width);
        assert_non_null(strstr(line, "loss 0.3123"));
    }
}

/* 938 pictures' worth of steps are a little more than an epoch, and the last step belongs to it. */
static void epochs_are_counted_from_one_and_end_with_the_last(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        const char *text;
    } cases[] = {{1, "epoch 1/12"}, {469, "epoch 1/12"}, {470, "epoch 2/12"}, {5625, "epoch 12/12"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rncl_progress now = {.step = cases[i].step, .steps = 5625};
        now.epoch = (double)now.step * 128 / 60000;
        now.epochs = 5625.0 * 128 / 60000;
        char line[256];
        rncl_meter_format(&now, 200, false, line, sizeof line);
        assert_int_equal(strncmp(line, cases[i].text, strlen(cases[i].text)), 0);
        assert_int_equal(line[strlen(cases[i].text)], ' ');
    }
}

static void what_is_not_known_yet_is_not_shown(void **state)
{
    (void)state;
    rncl_progress first = reading;
    first.images_per_second = 0;
    first.seconds_left = NAN;
    char line[256];
    rncl_meter_format(&first, 200, false, line, sizeof line);
    assert_string_equal(line, "epoch 1/24  step 120/5600  loss 0.3123  top-1 89.1 %");
}

static void an_evaluation_fits_into_80_columns(void **state)
{
    (void)state;
    const rncl_progress now = {.step = 60000,
                               .steps = 600000,
                               .epoch = 12,
                               .epochs = 120,
                               .evaluated = true,
                               .val_loss = 10.25,
                               .val_top1 = 88.125,
                               .val_top5 = 99.5,
                               .seconds = 36000};
    char line[256];
    rncl_meter_format(&now, 80, false, line, sizeof line);
    assert_true(strlen(line) <= 80);
    assert_non_null(strstr(line, "epoch 12/120"));
    assert_non_null(strstr(line, "validation loss 10.2500  top-1 88.12 %  top-5 99.50 %"));
}

/* A stream that is treated as a terminal of 80 columns. */
static void a_long_line_is_broken_behind_its_label(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    rncl_meter meter;
    rncl_meter_init(&meter, file);
    meter.live = true;
    rncl_meter_line(&meter, "data      sixty pictures in three classes, of which six are held back for "
                            "validation, and some more words");
    char text[512];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, "data      sixty pictures in three classes, of which six are held back for\n"
                              "          validation, and some more words\n");
}

static void colours_do_not_break_lines(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    rncl_meter meter;
    rncl_meter_init(&meter, file);
    meter.live = meter.colour = true;
    rncl_progress now = reading;
    now.evaluated = true;
    rncl_meter_show(&meter, &now);
    char text[512];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strchr(text, '\033'));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void colours_do_not_count_as_width(void **state)
{
    (void)state;
    char plain[256], painted[512];
    rncl_meter_format(&reading, 80, false, plain, sizeof plain);
    rncl_meter_format(&reading, 80, true, painted, sizeof painted);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strchr(painted, '\033'));
    assert_non_null(strstr(painted, "2031 img/s"));
    assert_non_null(strstr(plain, "2031 img/s"));
}

static void durations_read_as_clocks(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00"}, {59.6, "1:00"}, {754, "12:34"}, {3723, "1:02:03"}, {-1, "?"}, {1.0 / 0.0, "?"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        rncl_meter_duration(cases[i].seconds, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

/* A stream that is no terminal. */
static void plain_progress_has_lines_for_the_first_step_and_each_evaluation(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    rncl_meter meter;
    rncl_meter_init(&meter, file);
    rncl_progress now = reading;
    for (int step = 1; step <= 100; step++) {
        now.evaluated = step % 50 == 0;
        now.val_top1 = step;
        rncl_meter_show(&meter, &now);
    }
    rncl_meter_clear(&meter);

    char text[2048];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 3);
    assert_null(strchr(text, '\r'));
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "top-1 50.00 %"));
    assert_non_null(strstr(text, "top-1 100.00 %"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(the_last_column_is_broken_between_words),
        cmocka_unit_test(a_wide_line_shows_everything),
        cmocka_unit_test(a_speed_over_less_than_a_second_is_left_out),
        cmocka_unit_test(a_narrow_line_fits_and_keeps_the_loss),
        cmocka_unit_test(epochs_are_counted_from_one_and_end_with_the_last),
        cmocka_unit_test(what_is_not_known_yet_is_not_shown),
        cmocka_unit_test(an_evaluation_fits_into_80_columns),
        cmocka_unit_test(a_long_line_is_broken_behind_its_label),
        cmocka_unit_test(colours_do_not_break_lines),
        cmocka_unit_test(colours_do_not_count_as_width),
        cmocka_unit_test(durations_read_as_clocks),
        cmocka_unit_test(plain_progress_has_lines_for_the_first_step_and_each_evaluation),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
