/* Runs the program as a user would, by a command line in a shell, in a temporary folder; keeps its output
 * and exit status. */
#ifndef RNCL_TESTS_CLI_PROGRAM_H
#define RNCL_TESTS_CLI_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

typedef struct program_result {
    int exit_status;
    char output[1 << 20], errors[1 << 16];
} program_result;

static char program_folder[] = "/tmp/rncl-cli-XXXXXX";
static program_result result; /* of the last run; too large for the stack */

static void read_text(const char *name, char *text, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
}

/* Runs a shell command in the folder, which must succeed. */
static void __attribute__((format(printf, 1, 2))) shell(const char *format, ...)
{
    char what[2048], command[2200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "cd %s && %s", program_folder, what);
    assert_int_equal(system(command), 0);
}

/* Runs rncl with these arguments, printf style, and with `environment` ("NAME=value …") set; fills in
 * `result`. */
static inline void __attribute__((format(printf, 2, 3)))
run_in(const char *environment, const char *format, ...)
{
    char arguments_text[2048], command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arguments_text, sizeof arguments_text, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "cd %s && >output 2>errors env %s %s %s", program_folder, environment,
             RNCL_BINARY, arguments_text);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    result.exit_status = WEXITSTATUS(status);
    read_text("output", result.output, sizeof result.output);
    read_text("errors", result.errors, sizeof result.errors);
}

#define run(...) run_in("", __VA_ARGS__)

/* For run_in: PoCL's own cache stays where it is, wherever XDG_CACHE_HOME is. */
#define POCL_CACHE "POCL_CACHE_DIR=${POCL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pocl/kcache}"

/* The same, and rncl keeps nothing. For a program that it keeps, PoCL compiles every kernel once more. */
#define NOTHING_KEPT "XDG_CACHE_HOME=/dev/null " POCL_CACHE

static void expect_status(int status)
{
    if (result.exit_status != status)
        print_error("%s", result.errors);
    assert_int_equal(result.exit_status, status);
}

/* Expects that the last run failed with this status, and printed only one line on standard error, which
 * contains `part`. */
static inline void expect_failure(int status, const char *part)
{
    expect_status(status);
    const char *newline = strchr(result.errors, '\n');
    if (!newline || newline[1] || strncmp(result.errors, "rncl: ", 6) != 0 || !strstr(result.errors, part))
        fail_msg("expected one line with \"%s\", got: %s", part, result.errors);
    assert_string_equal(result.output, "");
}

/* Parses standard output of the last run, which must be one JSON document. New reference. */
static inline json_t *expect_json(void)
{
    json_error_t error;
    json_t *document = json_loads(result.output, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail_msg("not one JSON document: %s: %s", error.text, result.output);
    return document;
}

/* A copy of a model, without its checksums, with NaN as a bias of its last layer: all its outputs are NaN. */
static void __attribute__((unused)) spoil_model(const char *from, const char *to)
{
    static char bytes[1 << 21];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder, from);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(size, 8, sizeof bytes - 1);
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    char *checksum = memmem(bytes, size, "rncl.crc32", 10),
         *of_header = memmem(bytes, size, "rncl.header", 11), *entry = memmem(bytes, size, "\"fc.bias\"", 9);
    assert_true(checksum && of_header && entry);
    memcpy(checksum, "was.", 4);
    memcpy(of_header, "was.", 4);
    unsigned long offset;
    assert_int_equal(sscanf(strstr(entry, "data_offsets"), "data_offsets\":[%lu", &offset), 1);
    memset(bytes + sizeof header + header + offset, 0xff, sizeof(float));
    snprintf(path, sizeof path, "%s/%s", program_folder, to);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int create_folder(void **state)
{
    (void)state;
    return mkdtemp(program_folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", program_folder);
    return system(command);
}

#endif
