/* rncl plot */
#include <stdio.h>

#include "command.h"
#include "plot_runs.h"

/* One run's picture goes beside its curves.png, one of several into the current folder. */
static rncl_status choose_file(rncl_options *options)
{
    const char *name = options->plot_loss ? "loss.png" : "error.png";
    const bool one = options->argument_count == 1;
    if (snprintf(options->out, sizeof options->out, "%s%s%s", one ? options->arguments[0] : "",
                 one ? "/" : "", name) >= (int)sizeof options->out)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…: longer than %zu characters; give --out FILE",
                         options->arguments[0], sizeof options->out - 1);
    return RNCL_OK;
}

rncl_status rncl_plot_run(rncl_options *options)
{
    if (options->argument_count == 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl plot needs run folders, such as runs/mine");
    if (!options->out[0])
        RNCL_TRY(choose_file(options));
    RNCL_TRY(rncl_plot_runs(
        options->out, (const char *const *)options->arguments, (size_t)options->argument_count,
        options->plot_loss ? RNCL_PLOT_LOSS : RNCL_PLOT_ERROR, (rncl_plot_axis)options->plot_x));
    printf("%s\n", options->out);
    return RNCL_OK;
}
