/* The numbers of a run's CSV files: what no run can have written is damage, and its line is named. */
#include "columns.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util.h"

#define HEADER "epoch,step,lr,train_loss,val_top1,val_top5,seconds\n"
#define ROW "1,10,0.1,2.5,40,90,3\n"

static const char *const names[] = {"step", "train_loss", "val_top1"};
static char path[] = "/tmp/rncl-columns-XXXXXX";

static rncl_status read_text(const char *text, size_t size, rncl_columns *out)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return rncl_columns_read(path, names, COUNT(names), out);
}

static void numbers_are_found_by_the_names_of_their_columns(void **state)
{
    (void)state;
    static const char text[] =
        HEADER ROW "2,20,1e-05,nan,,91,4\n3,30,0,-2.5e-8,100,100,5\n4,40,0.1,inf,0,0,6\n5,5";
    rncl_columns c;
    assert_int_equal(read_text(text, strlen(text), &c), RNCL_OK);
    assert_int_equal(c.rows, 4); /* the last line is still being written */
    assert_float_equal(c.values[0][1], 20, 0);
    assert_float_equal(c.values[2][0], 40, 0);
    assert_true(isnan(c.values[1][1]) && isnan(c.values[2][1]));
    assert_true(isinf(c.values[1][3]));
    rncl_columns_fini(&c);
}

static void a_row_that_no_run_has_written_is_named(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "2,20,0.1,x,50,90,4",     /* no number */
        "2,20,0.1,2.5,50,90,4x",  /* nor in a column that nobody asked for */
        "2,20,0.1,2,5,50,90,4",   /* a field too many */
        "2,20,0.1,2.5,50,90",     /* too few */
        "2,20,0.1,2.5,500,90,4",  /* more than all pictures */
        "2,20,0.1,2.5,50,-90,4",  /* fewer than none */
        "2,20,-0.1,2.5,50,90,4",  /* a rate below 0 */
        "2,20,0.1,1e999,50,90,4", /* not a number that a computer has */
        "2,20,0.1,0x1p3,50,90,4", /* not written by rncl */
        "2,20,0.1, 2.5,50,90,4",  /* nor this */
        "2,10,0.1,2.5,50,90,4",   /* the step of the row before */
        "2,20.5,0.1,2.5,50,90,4", /* half a step */
        "2,,0.1,2.5,50,90,4",     /* no step */
        "2,nan,0.1,2.5,50,90,4",  /* nor is this one */
        "",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512], where[128];
        snprintf(text, sizeof text, HEADER ROW "%s\n3,30,0.1,2.5,50,90,5\n", rows[i]);
        snprintf(where, sizeof where, "%s:3: this row is damaged", path);
        rncl_columns c;
        if (read_text(text, strlen(text), &c) != RNCL_ERR_DATA)
            fail_msg("accepted: %s", rows[i]);
        assert_string_equal(rncl_status_message(), where);
        rncl_columns_fini(&c);
    }
}

/* Everything behind it was left out without a word. */
static void a_zero_byte_or_a_long_line_does_not_end_the_file(void **state)
{
    (void)state;
    static char text[4096];
    static const char zero[] = HEADER "1,10,0.1,2\0005,40,90,3\n" ROW;
    rncl_columns c;
    assert_int_equal(read_text(zero, sizeof zero - 1, &c), RNCL_ERR_DATA);
    rncl_columns_fini(&c);
    const int length = snprintf(text, sizeof text, HEADER "%2000d,10\n" ROW, 1);
    assert_int_equal(read_text(text, (size_t)length, &c), RNCL_ERR_DATA);
    rncl_columns_fini(&c);
}

static void a_file_that_cannot_be_read_is_no_missing_one(void **state)
{
    (void)state;
    rncl_columns c;
    assert_int_equal(rncl_columns_read("/proc/self/mem", names, COUNT(names), &c), RNCL_ERR_IO);
    rncl_columns_fini(&c);
    assert_int_equal(rncl_columns_read("/nowhere.csv", names, COUNT(names), &c), RNCL_ERR_DATA);
    rncl_columns_fini(&c);
}

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 || close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_by_the_names_of_their_columns),
        cmocka_unit_test(a_row_that_no_run_has_written_is_named),
        cmocka_unit_test(a_zero_byte_or_a_long_line_does_not_end_the_file),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_missing_one),
    };
    return cmocka_run_group_tests_name("columns", tests, make_file, remove_file);
}
