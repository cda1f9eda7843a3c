/* rncl sweep: trainings in this process, one after the other, each in its folder. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "file.h"
#include "mpi_ranks.h"
#include "plot.h"
#include "run_folder.h"
#include "sweep_results.h"
#include "train_once.h"
#include "util.h"

typedef struct sweep {
    const rncl_options *options; /* of the sweep */
    rncl_sweep_grid grid;
    rncl_sweep_results results;
    rncl_console console;
    char table[RNCL_TEXT_LENGTH], picture[RNCL_TEXT_LENGTH];
} sweep;

static const rncl_command *train_command(void)
{
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].run == rncl_train_run)
            return &rncl_commands[i];
    return NULL;
}

/* ---- the options of a run ---- */

/* The value of an option is this sweep's own; behind -- it would be lost. */
static bool is_own(const rncl_sweep_grid *grid, const char *argument)
{
    if (strncmp(argument, "--", 2) != 0)
        return false;
    const char *name = argument + 2;
    const size_t length = strcspn(name, "=");
    bool own = length == strlen("out") && !strncmp(name, "out", length);
    for (size_t i = 0; i < grid->axis_count; i++) {
        const char *axis = grid->axes[i].option->name;
        own |= length == strlen(axis) && !strncmp(name, axis, length);
    }
    return own;
}

static rncl_status check_common(const sweep *s)
{
    for (int i = 0; i < s->options->argument_count; i++)
        if (is_own(&s->grid, s->options->arguments[i]))
            return RNCL_FAIL(RNCL_ERR_USAGE, "%s stands before -- in a sweep, not behind it",
                             s->options->arguments[i]);
    return RNCL_OK;
}

/* What the command line of `rncl train` would be: the common options, the run's own, its folder. */
static rncl_status parse_run(const sweep *s, size_t run, const char *folder, rncl_options *out)
{
    const rncl_sweep_grid *grid = &s->grid;
    const int common = s->options->argument_count;
    const size_t room = (size_t)common + grid->axis_count + 2;
    const char **argv = calloc(room, sizeof *argv);
    char(*own)[RNCL_TEXT_LENGTH + 64] = calloc(grid->axis_count + 1, sizeof *own);
    rncl_help_wish help = RNCL_HELP_NONE;
    rncl_status st = RNCL_OK;
    if (argv && own) {
        int count = 0;
        argv[count++] = "train";
        for (int i = 0; i < common; i++)
            argv[count++] = s->options->arguments[i];
        for (size_t i = 0; i < grid->axis_count; i++) {
            snprintf(own[i], sizeof own[i], "--%s=%s", grid->axes[i].option->name,
                     rncl_sweep_value(grid, run, i));
            argv[count++] = own[i];
        }
        snprintf(own[grid->axis_count], sizeof *own, "--out=%s", folder);
        argv[count++] = own[grid->axis_count];
        st = rncl_arguments_parse(train_command(), count, argv, out, &help);
        rncl_arguments_free(out); /* there are none */
    } else {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "options of a run");
    }
    free(argv);
    free(own);
    if (!st && (help || out->resume[0] || out->lr_find || out->json))
        st = RNCL_FAIL(
            RNCL_ERR_USAGE,
            "behind -- a sweep takes options of training, but not --resume, --lr-find, --json and --help");
    return st;
}

/* A run that an earlier sweep has begun goes on, with the options that it was begun with. */
static rncl_status resume_run(const char *folder, rncl_options *options)
{
    const rncl_option *resume = rncl_option_find("resume", RNCL_FOR_TRAIN);
    rncl_options fresh;
    const char *argv[] = {"train"};
    rncl_help_wish help;
    RNCL_TRY(rncl_arguments_parse(train_command(), 1, argv, &fresh, &help));
    fresh.verbose = options->verbose;
    memcpy(fresh.kernel_binaries, options->kernel_binaries, sizeof fresh.kernel_binaries);
    *options = fresh;
    return rncl_options_set(options, resume, folder, RNCL_FROM_COMMAND_LINE);
}

/* ---- what makes a folder this sweep's ---- */

/* sweep.txt has the common options: with others, runs of the same name would be other runs. */
static rncl_status check_folder(const sweep *s)
{
    char path[RNCL_TEXT_LENGTH], *text = NULL;
    size_t size;
    rncl_contents before = {0};
    RNCL_TRY(rncl_run_folder_path(s->options, RNCL_RUN_CONFIG, path));
    if (rncl_file_may_exist(path))
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s is a run; give the sweep a folder of its own by --out",
                         s->options->out);
    RNCL_TRY(rncl_directory_create(s->options->out));
    RNCL_TRY(rncl_run_folder_path(s->options, "sweep.txt", path));
    FILE *stream = open_memstream(&text, &size);
    for (int i = 0; stream && i < s->options->argument_count; i++)
        fprintf(stream, "%s\n", s->options->arguments[i]);
    const bool failed = !stream || ferror(stream);
    rncl_status st = RNCL_OK;
    if ((stream && fclose(stream) != 0) || failed || !text)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "options of a sweep");
    else if (!rncl_file_may_exist(path))
        st = rncl_file_write(path, text, size);
    if (!st)
        st = rncl_file_read(path, &before);
    if (!st && (before.size_bytes != size || (size && memcmp(before.data, text, size) != 0)))
        st = RNCL_FAIL(
            RNCL_ERR_USAGE,
            "%s holds a sweep with other options behind -- (see sweep.txt there); give another --out",
            s->options->out);
    rncl_contents_free(&before);
    free(text);
    return st;
}

/* ---- runs ---- */

static rncl_status record(sweep *s, const char *name, const rncl_trained_once *trained, bool diverged)
{
    const rncl_train_result *r = &trained->result;
    const bool known = r->best_top1 >= 0;
    rncl_sweep_result row = {.diverged = diverged,
                             .steps = r->steps,
                             .seconds = r->seconds,
                             .val_loss = known ? r->val_loss : NAN,
                             .val_top1 = known ? r->val_top1 : NAN,
                             .best_top1 = known ? r->best_top1 : NAN};
    memcpy(row.name, name, sizeof row.name);
    RNCL_TRY(rncl_sweep_results_add(&s->results, &row, s->table));
    return rncl_plot_available() ? rncl_sweep_results_draw(s->picture, &s->grid, &s->results) : RNCL_OK;
}

/* A run that diverges is a result; whatever else fails would fail in the others too. */
static rncl_status take_run(sweep *s, size_t run)
{
    char name[RNCL_SWEEP_NAME], label[RNCL_SWEEP_NAME], folder[RNCL_TEXT_LENGTH],
        checkpoint[RNCL_TEXT_LENGTH + 16];
    rncl_options options;
    rncl_trained_once trained;
    rncl_sweep_name(&s->grid, run, name);
    if (rncl_sweep_results_find(&s->results, name))
        return RNCL_OK;
    rncl_sweep_label(&s->grid, run, label);
    RNCL_TRY(rncl_run_folder_path(s->options, name, folder));
    RNCL_TRY(parse_run(s, run, folder, &options));
    snprintf(checkpoint, sizeof checkpoint, "%s/%s", folder, RNCL_RUN_CHECKPOINT);
    if (rncl_file_may_exist(checkpoint))
        RNCL_TRY(resume_run(folder, &options));
    rncl_log_line(&s->console.log, RNCL_LOG_NOTE, "sweep     run %zu of %zu: %s", run + 1, s->grid.runs,
                  label);
    const rncl_status st = rncl_train_once(&options, NULL, &trained);
    if (st == RNCL_ERR_INTERRUPTED)
        return RNCL_FAIL(st, "interrupted in run %zu of %zu, and saved; the same command goes on", run + 1,
                         s->grid.runs);
    if (st == RNCL_ERR_DIVERGED)
        rncl_log_line(&s->console.log, RNCL_LOG_WARNING, "%s", rncl_status_message());
    else
        RNCL_TRY(st);
    return record(s, name, &trained, st == RNCL_ERR_DIVERGED);
}

static rncl_status take_runs(sweep *s)
{
    rncl_options checked;
    RNCL_TRY(check_common(s));
    RNCL_TRY(parse_run(s, 0, s->options->out, &checked)); /* mistakes come before anything is written */
    RNCL_TRY(check_folder(s));
    RNCL_TRY(rncl_run_folder_path(s->options, "sweep.csv", s->table));
    RNCL_TRY(rncl_run_folder_path(s->options, "sweep.png", s->picture));
    RNCL_TRY(rncl_sweep_results_read(s->table, &s->results));
    RNCL_TRY(rncl_train_once_catch());
    for (size_t run = 0; run < s->grid.runs; run++)
        RNCL_TRY(take_run(s, run));
    if (rncl_plot_available()) /* the grid may be another one than that of the last run */
        RNCL_TRY(rncl_sweep_results_draw(s->picture, &s->grid, &s->results));
    if (s->options->json)
        return rncl_sweep_results_print_json(s->options->out, &s->grid, &s->results);
    RNCL_TRY(rncl_sweep_results_print(&s->grid, &s->results));
    printf("\nwritten  %s%s%s\n", s->table, rncl_plot_available() ? ", " : "",
           rncl_plot_available() ? s->picture : "");
    return RNCL_OK;
}

rncl_status rncl_sweep_run(rncl_options *options)
{
    static sweep s; /* too large for some stacks; the command runs once */
    s.options = options;
    if (rncl_mpi_launched())
        return RNCL_FAIL(RNCL_ERR_USAGE, "a sweep is for one device: start it without mpirun");
    RNCL_TRY(rncl_sweep_grid_read(options->grid, &s.grid));
    rncl_console_init(&s.console, options);
    const rncl_status st = take_runs(&s);
    rncl_sweep_results_fini(&s.results);
    return st;
}
