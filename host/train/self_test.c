/* The self-test, and its memory: a file whose name is a hash of all that the result depends on, and which
 * holds that itself, so that a clash of hashes is a test too many and not one too few. */
#include "self_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary_cache.h"
#include "file.h"
#include "planned.h"
#include "rncl/version.h"
#include "util.h"

typedef struct self_test {
    rncl_planned_check *checks; /* no two of the same text */
    char **texts;
    size_t count;
    char *key; /* device, versions, precision and all texts */
    rncl_check_result wrong;
    int results, wrong_results;
} self_test;

static rncl_status add(self_test *test, const rncl_op *op)
{
    char text[RNCL_PLANNED_TEXT];
    rncl_planned_check *check = &test->checks[test->count];
    rncl_planned_check_init(op, check);
    RNCL_TRY(rncl_planned_check_describe(check, text));
    for (size_t i = 0; i < test->count; i++)
        if (!strcmp(test->texts[i], text))
            return RNCL_OK;
    test->texts[test->count] = strdup(text);
    if (!test->texts[test->count])
        return RNCL_FAIL(RNCL_ERR_MEMORY, "self-test");
    test->count++;
    return RNCL_OK;
}

static rncl_status collect(self_test *test, const rncl_network *network)
{
    size_t ops = 0;
    while (rncl_network_op(network, ops))
        ops++;
    if (!ops)
        return RNCL_OK;
    test->checks = calloc(ops, sizeof *test->checks);
    test->texts = calloc(ops, sizeof *test->texts);
    if (!test->checks || !test->texts)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "self-test of %zu operations", ops);
    for (size_t i = 0; i < ops; i++)
        RNCL_TRY(add(test, rncl_network_op(network, i)));
    return RNCL_OK;
}

static rncl_status make_key(self_test *test, const rncl_context *context)
{
    const rncl_device_info *info = &context->info;
    size_t size;
    FILE *stream = open_memstream(&test->key, &size);
    if (!stream)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "self-test");
    fprintf(stream, "%s\n%s\n%s\n%s\n%s\n%s\n", RNCL_VERSION, info->platform, info->name, info->version,
            info->driver, rncl_precision_name(context->precision));
    for (size_t i = 0; i < test->count; i++)
        fprintf(stream, "%s\n", test->texts[i]);
    /* A stream in memory that could not grow closes well and leaves no text. */
    const bool failed = ferror(stream) != 0;
    return fclose(stream) || failed || !test->key ? RNCL_FAIL(RNCL_ERR_MEMORY, "self-test") : RNCL_OK;
}

/* ---- the memory ---- */

/* NULL: there is no place for it. */
static char *memory_path(const self_test *test, bool create)
{
    char name[64];
    snprintf(name, sizeof name, "%016llx.tested",
             (unsigned long long)rncl_hash(RNCL_HASH_START, test->key, strlen(test->key)));
    return rncl_cache_path(name, create);
}

static bool is_remembered(const self_test *test)
{
    char *path = memory_path(test, false);
    rncl_contents file = {0};
    const bool known = path && rncl_file_exists(path) && !rncl_file_read(path, &file) &&
                       file.size_bytes == strlen(test->key) && !memcmp(file.data, test->key, file.size_bytes);
    rncl_contents_free(&file);
    free(path);
    return known;
}

/* A memory that cannot be written costs another test next time. */
static void remember(const self_test *test, const rncl_log *log)
{
    char *path = memory_path(test, true);
    if (path && rncl_file_write(path, test->key, strlen(test->key)))
        rncl_log_line(log, RNCL_LOG_DETAIL, "self-test not remembered: %s", rncl_status_message());
    free(path);
}

/* ---- running ---- */

static void hear(void *user, const rncl_check_result *result)
{
    self_test *test = user;
    test->results++;
    if (result->ok)
        return;
    if (!test->wrong_results++)
        test->wrong = *result;
}

static rncl_status run(self_test *test, rncl_context *context)
{
    const uint64_t began_ns = rncl_time_ns();
    for (size_t i = 0; i < test->count; i++) {
        rncl_log_line(&context->log, RNCL_LOG_PROGRESS, "self-test: operation %zu of %zu", i + 1,
                      test->count);
        RNCL_TRY(rncl_planned_check_run(&test->checks[i], 1, hear, test));
    }
    if (test->wrong_results)
        return RNCL_FAIL(RNCL_ERR_WRONG_RESULT,
                         "%s computes wrongly: %d of %d results of the self-test, the first: %s (error %.3g, "
                         "allowed %.3g); use another device or driver, `rncl check` shows more",
                         context->info.name, test->wrong_results, test->results, test->wrong.name,
                         test->wrong.error, test->wrong.tolerance);
    rncl_log_line(&context->log, RNCL_LOG_NOTE,
                  "self-test %d results of this network's kernels are right, %.1f s", test->results,
                  1e-9 * (double)(rncl_time_ns() - began_ns));
    remember(test, &context->log);
    return RNCL_OK;
}

static void fini(self_test *test)
{
    for (size_t i = 0; i < test->count; i++)
        free(test->texts[i]);
    free(test->texts);
    free(test->checks);
    free(test->key);
}

rncl_status rncl_self_test(rncl_context *context, const rncl_network *network)
{
    self_test test = {0};
    rncl_status st = collect(&test, network);
    if (!st)
        st = make_key(&test, context);
    if (!st && !is_remembered(&test))
        st = run(&test, context);
    fini(&test);
    return st;
}

rncl_status rncl_self_test_build(const rncl_network *network)
{
    self_test test = {0};
    rncl_status st = collect(&test, network);
    for (size_t i = 0; !st && i < test.count; i++)
        st = rncl_planned_check_build(&test.checks[i]);
    fini(&test);
    return st;
}
