/* rncl plot */
#include <stdio.h>

#include "command.h"
#include "plot_runs.h"

rncl_status rncl_plot_run(rncl_options *options)
{
    if (options->argument_count == 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl plot needs run folders, such as runs/mine");
    if (!options->out[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl plot needs --out FILE.png, .svg or .pdf");
    RNCL_TRY(rncl_plot_runs(options->out, (const char *const *)options->arguments,
                            (size_t)options->argument_count,
                            options->plot_loss ? RNCL_PLOT_LOSS : RNCL_PLOT_ERROR));
    printf("%s\n", options->out);
    return RNCL_OK;
}
