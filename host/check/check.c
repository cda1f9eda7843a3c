/* Which trials there are. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "operations.h"
#include "util.h"

static const check_operation *const operations[] = {
#define X(stem) &check_##stem,
    CHECK_OPERATION_LIST(X)
#undef X
};

#define X(stem) " " #stem
#define OPERATION_NAMES CHECK_OPERATION_LIST(X)

typedef struct run {
    const rncl_check_options *options;
    rncl_check_summary *summary;
    char first_failure[160];
} run;

static void record(void *user, const rncl_check_result *result)
{
    run *r = user;
    if (!result->ok && r->summary->failed == 0)
        snprintf(r->first_failure, sizeof r->first_failure, "%s", result->name);
    if (result->ok)
        r->summary->passed++;
    else
        r->summary->failed++;
    if (r->options->report)
        r->options->report(r->options->user, result);
}

/* `count` variants from the operation's `first` on, going round, by each algorithm. */
static rncl_status run_variants(run *r, const check_trial *shaped, size_t first, size_t count)
{
    const check_operation *operation = shaped->operation;
    size_t algorithm = 0;
    do {
        for (size_t i = 0; i < count; i++) {
            check_trial trial = *shaped;
            trial.variant = &operation->variants[(first + i) % operation->variant_count];
            trial.algorithm = operation->algorithm ? operation->algorithm(algorithm) : NULL;
            if (!operation->supports || operation->supports(&trial))
                RNCL_TRY(check_trial_run(&trial, record, r));
        }
    } while (operation->algorithm && operation->algorithm(++algorithm));
    return RNCL_OK;
}

/* Draws until the shape is small enough. */
static rncl_status draw_shape(const rncl_check_options *options, check_trial *trial)
{
    const check_operation *operation = trial->operation;
    for (int attempt = 0; attempt < 100000; attempt++) {
        operation->draw(&trial->random, &trial->shape);
        if (operation->work(&trial->shape) <= (double)options->work)
            return RNCL_OK;
    }
    return RNCL_FAIL(RNCL_ERR_USAGE, "%s: no shape to check of at most %zu multiply-adds; allow more",
                     operation->name, options->work);
}

static rncl_status run_operation(run *r, rncl_context *context, size_t index)
{
    const check_operation *operation = operations[index];
    check_trial trial = {.context = context, .operation = operation};
    for (size_t i = 0; i < operation->fixed_count; i++) {
        trial.shape = operation->fixed[i];
        trial.random =
            rncl_random_stream(r->options->seed, RNCL_RANDOM_TEST, 2 * (uint32_t)index, (uint32_t)i);
        if (operation->work(&trial.shape) <= (double)r->options->work)
            RNCL_TRY(run_variants(r, &trial, 0, operation->variant_count));
    }
    for (int i = 0; i < r->options->shapes; i++) {
        trial.random =
            rncl_random_stream(r->options->seed, RNCL_RANDOM_TEST, 2 * (uint32_t)index + 1, (uint32_t)i);
        RNCL_TRY(draw_shape(r->options, &trial));
        RNCL_TRY(run_variants(r, &trial, (size_t)i, MIN(operation->variant_count, (size_t)2)));
    }
    return RNCL_OK;
}

rncl_status rncl_check_run(rncl_context *context, const rncl_check_options *options,
                           rncl_check_summary *summary)
{
    *summary = (rncl_check_summary){0};
    run r = {.options = options, .summary = summary};
    bool found = false;
    for (size_t i = 0; i < COUNT(operations); i++) {
        if (options->filter && strcmp(options->filter, operations[i]->name))
            continue;
        found = true;
        RNCL_TRY(run_operation(&r, context, i));
    }
    if (!found)
        return RNCL_FAIL(RNCL_ERR_USAGE, "no operation %s to check; there are" OPERATION_NAMES,
                         options->filter);
    if (summary->failed)
        return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "%s: %d of %d results are wrong, the first: %s",
                         context->info.name, summary->failed, summary->failed + summary->passed,
                         r.first_failure);
    return RNCL_OK;
}
