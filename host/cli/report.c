/* rncl report */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "console.h"
#include "file.h"
#include "report_page.h"
#include "run_folder.h"

/* ---- the evaluation ---- */

/* While the best model is evaluated. */
typedef struct hearing {
    rncl_report *report;
    const rncl_options *options;
} hearing;

static void forget(rncl_report *report)
{
    for (int i = 0; report->confusion.labels && i < report->confusion.classes; i++)
        free((char *)(uintptr_t)report->confusion.labels[i]);
    free((void *)(uintptr_t)report->confusion.labels);
    free((void *)(uintptr_t)report->confusion.counts);
    report->confusion = (rncl_confusion){0};
    rncl_worst_fini(&report->worst);
}

static void begin(void *user)
{
    forget(((hearing *)user)->report);
}

static rncl_status hear_batch(void *user, const rncl_batch *batch, const rncl_batch_result *result)
{
    const hearing *h = user;
    return rncl_worst_add(&h->report->worst, h->options, batch, result);
}

/* A copy: the original ends with the evaluation. */
static rncl_status keep_counts(void *user, const rncl_confusion *confusion)
{
    const size_t classes = (size_t)confusion->classes, bytes = classes * classes * sizeof(uint64_t);
    rncl_confusion *kept = &((hearing *)user)->report->confusion;
    uint64_t *counts = malloc(bytes);
    char **labels = calloc(classes, sizeof *labels);
    *kept = (rncl_confusion){counts, confusion->classes, (const char *const *)labels};
    if (!counts || !labels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "counts of %zu classes", classes);
    memcpy(counts, confusion->counts, bytes);
    for (size_t i = 0; i < classes; i++)
        if (!(labels[i] = strdup(confusion->labels[i])))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "labels of %zu classes", classes);
    return RNCL_OK;
}

static rncl_status evaluate(rncl_console *console, rncl_options *options, rncl_report *report)
{
    if (!options->model[0])
        return RNCL_FAIL(RNCL_ERR_MODEL, "the run has no best.safetensors yet");
    hearing h = {report, options};
    const rncl_evaluation_listener listener = {begin, hear_batch, keep_counts, &h};
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(console, options, &context));
    const rncl_status st = rncl_evaluate_heard(context, options, &listener, &report->result, NULL);
    rncl_context_destroy(context);
    return st;
}

/* ---- the run ---- */

static rncl_status path_in(const char *folder, const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (snprintf(path, RNCL_TEXT_LENGTH, "%s/%s", folder, name) >= RNCL_TEXT_LENGTH)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…: longer than %d characters", folder, RNCL_TEXT_LENGTH - 1);
    return RNCL_OK;
}

/* The run's options under what the command line says, its best model, and the file to write. */
static rncl_status complete_options(rncl_options *options, const char *folder)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(path_in(folder, RNCL_RUN_CONFIG, path));
    RNCL_TRY(rncl_options_read(options, path, RNCL_FOR_TRAIN));
    RNCL_TRY(path_in(folder, RNCL_RUN_BEST, path));
    if (rncl_file_may_exist(path))
        memcpy(options->model, path, sizeof options->model);
    return options->out[0] ? RNCL_OK : path_in(folder, "report.html", options->out);
}

/* A model that cannot be evaluated, for want of its data or of a device, is no reason to have no page; but
 * what was asked for and is wrong is, and so is a damaged model. */
static bool is_needed(const rncl_options *options, rncl_status status)
{
    return status == RNCL_ERR_MEMORY || (status == RNCL_ERR_MODEL && options->model[0]) ||
           rncl_option_source_of(options, "device") == RNCL_FROM_COMMAND_LINE ||
           rncl_option_source_of(options, "data") == RNCL_FROM_COMMAND_LINE;
}

static rncl_status write_report(rncl_options *options, const rncl_followed_run *run)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_options *evaluated = malloc(sizeof *evaluated);
    if (!evaluated)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "options of %s", run->folder);
    *evaluated = *options;
    rncl_report report = {.run = run, .options = options};
    rncl_status st = evaluate(&console, evaluated, &report);
    rncl_meter_clear(&console.meter);
    if (st && !is_needed(options, st)) {
        snprintf(report.missing, sizeof report.missing, "%s", rncl_status_message());
        rncl_log_line(&console.log, RNCL_LOG_WARNING, "the page has no evaluation: %s", report.missing);
        st = RNCL_OK;
    }
    if (!st)
        st = rncl_report_page_write(&report, options->out);
    forget(&report);
    free(evaluated);
    return st;
}

rncl_status rncl_report_run(rncl_options *options)
{
    if (options->argument_count != 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl report needs the folder of one run, such as runs/mine");
    const char *folder = options->arguments[0];
    rncl_followed_run run;
    bool ignored;
    rncl_followed_run_init(&run, folder);
    rncl_status st = rncl_followed_run_look(&run, &ignored);
    if (!st)
        st = complete_options(options, folder);
    if (!st)
        st = rncl_file_try(options->out);
    if (!st)
        st = write_report(options, &run);
    rncl_followed_run_fini(&run);
    if (!st)
        printf("%s\n", options->out);
    return st;
}
