/* Confusion matrices as files, and CSV's quoting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confusion.h"
#include "csv.h"

static char folder[] = "/tmp/rncl-confusion-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void expect_file(const char *path, const char *expected)
{
    char text[1024];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, expected);
}

/* "dog" is never predicted, and no picture is a "cow". */
static void classes_are_counted_by_rows_and_columns(void **state)
{
    (void)state;
    static const uint64_t counts[] = {3, 0, 1, 2, 0, 0, 0, 0, 0};
    static const char *const labels[] = {"cat", "dog, small", "cow"};
    const rncl_confusion confusion = {counts, 3, labels};
    char path[64], file[128];
    snprintf(path, sizeof path, "%s/new/report", folder);
    assert_int_equal(rncl_confusion_write(&confusion, path), RNCL_OK);
    snprintf(file, sizeof file, "%s/confusion.csv", path);
    expect_file(file, "truth,cat,\"dog, small\",cow\n"
                      "cat,3,0,1\n"
                      "\"dog, small\",2,0,0\n"
                      "cow,0,0,0\n");
    snprintf(file, sizeof file, "%s/per_class.csv", path);
    expect_file(file, "class,label,images,top1,precision,recall\n"
                      "0,cat,4,75,0.6,0.75\n"
                      "1,\"dog, small\",2,0,,0\n"
                      "2,cow,0,,0,\n");
}

static void a_folder_that_cannot_be_made_is_an_input_output_error(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1};
    static const char *const labels[] = {"cat"};
    const rncl_confusion confusion = {counts, 1, labels};
    assert_int_equal(rncl_confusion_write(&confusion, "/proc/nowhere"), RNCL_ERR_IO);
    assert_non_null(strstr(rncl_status_message(), "/proc/nowhere"));
}

static void fields_are_quoted_where_they_must_be(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"plain text", "plain text"},
                                           {"", ""},
                                           {"a,b", "\"a,b\""},
                                           {"say \"a\"", "\"say \"\"a\"\"\""},
                                           {"two\nlines", "\"two\nlines\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text;
        size_t size;
        FILE *stream = open_memstream(&text, &size);
        assert_non_null(stream);
        rncl_csv_text(stream, cases[i][0]);
        assert_int_equal(fclose(stream), 0);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_counted_by_rows_and_columns),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_input_output_error),
        cmocka_unit_test(fields_are_quoted_where_they_must_be),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
