/* rncl plot */
#include <stdio.h>

#include "command.h"
#include "file.h"
#include "paths.h"
#include "plot_files.h"
#include "plot_runs.h"
#include "util.h"

/* Where no file is named: a run's picture goes into its folder, any other into the current one. */
static rncl_status choose_file(rncl_options *options, const char *run, const char *name)
{
    const bool inside = run && rncl_directory_exists(run);
    if (options->out[0])
        return RNCL_OK;
    if (snprintf(options->out, sizeof options->out, "%s%s%s", inside ? run : "", inside ? "/" : "", name) >=
        (int)sizeof options->out)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…: longer than %zu characters; give --out FILE", run,
                         sizeof options->out - 1);
    return RNCL_OK;
}

static rncl_status plot_runs(rncl_options *options)
{
    const int count = options->argument_count;
    if (!count)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "rncl plot needs run folders, such as runs/mine, or --filters or --tuning");
    RNCL_TRY(choose_file(options, count == 1 ? options->arguments[0] : NULL,
                         options->plot_loss ? "loss.png" : "error.png"));
    return rncl_plot_runs(options->out, (const char *const *)options->arguments, (size_t)count,
                          options->plot_loss ? RNCL_PLOT_LOSS : RNCL_PLOT_ERROR,
                          (rncl_plot_axis)options->plot_x);
}

static rncl_status plot_filters(rncl_options *options)
{
    RNCL_TRY(choose_file(options, options->plot_filters, "filters.png"));
    RNCL_TRY(rncl_paths_complete_filters(options));
    return rncl_plot_model_filters(options->plot_filters, options->out);
}

static rncl_status plot_tuning(rncl_options *options)
{
    RNCL_TRY(choose_file(options, options->plot_tuning, "tuning.png"));
    RNCL_TRY(rncl_paths_complete_tuning(options));
    return rncl_plot_tuning(options->plot_tuning, options->out);
}

/* One picture at a time, and no option that it would ignore. */
static rncl_status check_usage(const rncl_options *options)
{
    static const char *const of_runs[] = {"x", "y"};
    const bool filters = options->plot_filters[0], tuning = options->plot_tuning[0];
    if (filters + tuning + (options->argument_count > 0) > 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl plot draws one of these at a time: runs, --filters, --tuning");
    for (size_t i = 0; i < COUNT(of_runs) && (filters || tuning); i++)
        if (rncl_option_source_of(options, of_runs[i]) == RNCL_FROM_COMMAND_LINE)
            return RNCL_FAIL(RNCL_ERR_USAGE, "--%s is for the curves of runs, not for --%s", of_runs[i],
                             filters ? "filters" : "tuning");
    return RNCL_OK;
}

rncl_status rncl_plot_run(rncl_options *options)
{
    const bool filters = options->plot_filters[0], tuning = options->plot_tuning[0];
    RNCL_TRY(check_usage(options));
    RNCL_TRY(filters ? plot_filters(options) : tuning ? plot_tuning(options) : plot_runs(options));
    printf("%s\n", options->out);
    return RNCL_OK;
}
