/* Chooses the trials: operations, shapes, variants and algorithms. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "check_trial.h"
#include "matrix_unit.h"
#include "util.h"

#define X(stem) " " #stem
#define OPERATION_NAMES RNCL_OP_LIST(X)

typedef struct run {
    const rncl_check_options *options;
    const char *device;
    rncl_check_summary *summary;
    char first_failure[256];
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

/* The index-th distinct algorithm of an operation's table; NULL after the last. */
static const char *algorithm_of(const rncl_op_type *type, size_t index)
{
    for (size_t i = 0; i < type->row_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen = seen || !strcmp(type->rows[j]->name, type->rows[i]->name);
        if (!seen && index-- == 0)
            return type->rows[i]->name;
    }
    return NULL;
}

/* Whether the algorithm can do the forward pass at this shape. Other passes that it does not support fall
 * back to the default. */
static bool supports(const check_trial *trial)
{
    const rncl_pass forward = {
        .context = trial->context, .desc = trial->c.desc, .choice = {.epilogue = trial->variant->epilogue}};
    bool exact;
    return !trial->algorithm || rncl_pass_supports(&forward, trial->algorithm, &exact);
}

/* Whether the algorithm leaves sums of a batch normalisation's gradient; of a batch normalisation, whether it
 * may be given any. */
static rncl_status knows_sums(const check_trial *trial, bool *knows)
{
    const rncl_op_desc *desc = &trial->c.desc;
    rncl_op *op;
    rncl_op_choice choice = {.algorithm = trial->algorithm};
    check_choose_sums(trial->variant, desc, &choice);
    RNCL_TRY(rncl_op_create(trial->context, desc, &choice, &op));
    const rncl_pass *backward = &op->passes[RNCL_OP_BACKWARD];
    if (desc->kind == RNCL_OP_batchnorm)
        *knows = desc->batchnorm.residual != RNCL_RESIDUAL_ADD || choice.given_dz ||
                 op->passes[RNCL_OP_FORWARD].signs_bytes;
    else
        *knows = backward->gradient_parts && !strcmp(backward->row->name, trial->algorithm);
    rncl_op_destroy(op);
    return RNCL_OK;
}

/* What the results so far amount to. */
static rncl_status verdict(const run *r)
{
    const rncl_check_summary *summary = r->summary;
    if (!summary->failed)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_WRONG_RESULT, "%s: %d of %d results are wrong, the first: %s", r->device,
                     summary->failed, summary->failed + summary->passed, r->first_failure);
}

/* Runs forward and backward together, or each of separate passes by itself. */
static rncl_status run_passes(run *r, const check_trial *prepared)
{
    const rncl_op_kind kind = prepared->c.desc.kind;
    for (int pass = 0; pass < RNCL_OP_PASSES && rncl_op_type_of(kind)->passes[pass].name; pass++) {
        check_trial trial = *prepared;
        trial.c.pass = pass;
        if (pass == 0 || rncl_spec_of(kind)->separate)
            RNCL_TRY(check_trial_run(&trial, record, r));
        if (r->options->stop_at_first)
            RNCL_TRY(verdict(r));
    }
    return RNCL_OK;
}

static bool is_asked_for(const run *r, const char *algorithm)
{
    return !r->options->algorithm || !strcmp(algorithm, r->options->algorithm);
}

/* Runs `count` of the variants with each algorithm, beginning with number `first` and wrapping around. */
static rncl_status run_each(run *r, const check_trial *shaped, const check_variant *const *variants,
                            size_t variant_count, size_t first, size_t count)
{
    const rncl_op_type *type = rncl_op_type_of(shaped->c.desc.kind);
    const bool has_choice = type->row_count > 1;
    for (size_t algorithm = 0; algorithm_of(type, algorithm); algorithm++)
        for (size_t i = 0; is_asked_for(r, algorithm_of(type, algorithm)) && i < MIN(count, variant_count);
             i++) {
            check_trial trial = *shaped;
            trial.variant = variants[(first + i) % variant_count];
            trial.algorithm = has_choice ? algorithm_of(type, algorithm) : NULL;
            bool runs = supports(&trial);
            if (runs && trial.variant->sums)
                RNCL_TRY(knows_sums(&trial, &runs));
            if (runs)
                RNCL_TRY(run_passes(r, &trial));
        }
    return RNCL_OK;
}

/* Runs so many of the operation's variants, and of those with sums as many. */
static rncl_status run_variants(run *r, const check_trial *shaped, size_t first, size_t count)
{
    const check_variant *variants[CHECK_VARIANTS];
    const rncl_op_kind kind = shaped->c.desc.kind;
    const size_t ordinary = check_variants_of(kind, variants);
    RNCL_TRY(run_each(r, shaped, variants, ordinary, first, count));
    const size_t with_sums = check_sums_variants_of(kind, variants);
    return with_sums ? run_each(r, shaped, variants, with_sums, first, count) : RNCL_OK;
}

/* Draws shapes until one is small enough. */
static rncl_status draw_shape(const rncl_check_options *options, const rncl_spec *spec, check_trial *trial)
{
    for (int attempt = 0; attempt < 100000; attempt++) {
        trial->c = (rncl_spec_case){0};
        spec->draw(&trial->random, &trial->c);
        if (spec->work(&trial->c) <= (double)options->work)
            return RNCL_OK;
    }
    return RNCL_FAIL(RNCL_ERR_USAGE, "%s: no shape to check has at most %zu multiply-adds; allow more",
                     rncl_op_type_of(trial->c.desc.kind)->name, options->work);
}

static rncl_status run_operation(run *r, rncl_context *context, rncl_op_kind kind)
{
    const rncl_spec *spec = rncl_spec_of(kind);
    check_trial trial = {.context = context};
    for (size_t i = 0; i < spec->shape_count; i++) {
        trial.c = spec->shapes[i];
        trial.random = rncl_random_stream(r->options->seed, RNCL_RANDOM_TEST, 2 * kind, (uint32_t)i);
        if (spec->work(&trial.c) <= (double)r->options->work)
            RNCL_TRY(run_variants(r, &trial, 0, CHECK_VARIANTS));
    }
    for (int i = 0; i < r->options->shapes; i++) {
        trial.random = rncl_random_stream(r->options->seed, RNCL_RANDOM_TEST, 2 * kind + 1, (uint32_t)i);
        RNCL_TRY(draw_shape(r->options, spec, &trial));
        RNCL_TRY(run_variants(r, &trial, (size_t)i, 2));
    }
    return RNCL_OK;
}

rncl_status rncl_check_run(rncl_context *context, const rncl_check_options *options,
                           rncl_check_summary *summary)
{
    *summary = (rncl_check_summary){0};
    run r = {.options = options, .device = context->info.name, .summary = summary};
    bool found = false;
    for (rncl_op_kind kind = 0; kind < RNCL_OP_COUNT; kind++) {
        if (options->filter && strcmp(options->filter, rncl_op_type_of(kind)->name))
            continue;
        found = true;
        RNCL_TRY(run_operation(&r, context, kind));
    }
    if (!found)
        return RNCL_FAIL(RNCL_ERR_USAGE, "no operation %s to check; there are" OPERATION_NAMES,
                         options->filter);
    if (options->algorithm && !summary->failed && !summary->passed)
        return RNCL_FAIL(RNCL_ERR_USAGE, "no operation to check has an algorithm %s that %s can run",
                         options->algorithm, context->info.name);
    return verdict(&r);
}
