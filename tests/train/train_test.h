/* Shared by the tests of host/train: cmocka, and files in a folder that is removed when the program ends. */
#ifndef TESTS_TRAIN_TRAIN_TEST_H
#define TESTS_TRAIN_TRAIN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "folder.h"
#include "status.h"
#include "util.h"

/* Expects a status, and a part of its message. */
static inline void expect_failure(rncl_status got, rncl_status wanted, const char *part)
{
    assert_int_equal(got, wanted);
    if (!strstr(rncl_status_message(), part))
        fail_msg("expected \"%s\" in: %s", part, rncl_status_message());
    assert_null(strchr(rncl_status_message(), '\n'));
}

static inline void expect_ok(rncl_status got)
{
    if (got)
        fail_msg("%s: %s", rncl_status_text(got), rncl_status_message());
}

static inline void write_text(const char *path, const char *text)
{
    expect_ok(rncl_file_write(path, text, strlen(text)));
}

/* The caller frees. */
static inline char *read_text(const char *path)
{
    rncl_contents file;
    expect_ok(rncl_file_read(path, &file));
    char *text = rncl_text_format("%.*s", (int)file.size_bytes, file.data ? (const char *)file.data : "");
    rncl_contents_free(&file);
    assert_non_null(text);
    return text;
}

static inline void expect_text(const char *path, const char *wanted)
{
    char *text = read_text(path);
    assert_string_equal(text, wanted);
    free(text);
}

#endif
