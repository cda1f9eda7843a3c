/* When the curves of a run are drawn. */
#include "plot.h"
#include "plot_runs.h"
#include "training.h"

void rncl_training_draw(const rncl_training *t)
{
    char path[RNCL_TEXT_LENGTH];
    if (!rncl_plot_available())
        return;
    rncl_status st = rncl_run_folder_path(t->options, RNCL_RUN_CURVES, path);
    if (!st)
        st = rncl_plot_curves(path, t->options->out);
    if (st)
        rncl_log_line(&t->context->log, RNCL_LOG_WARNING, "%s", rncl_status_message());
}

void rncl_training_draw_step(const rncl_training *t)
{
    int64_t power = 1;
    while (power < t->state.step)
        power *= 10;
    if (t->state.step == power && t->state.evaluated_step <= 0)
        rncl_training_draw(t);
}
