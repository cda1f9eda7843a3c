/* Plots of the metrics.csv and steps.csv of runs. */
#ifndef RNCL_REPORT_PLOT_RUNS_H
#define RNCL_REPORT_PLOT_RUNS_H

#include <stddef.h>

#include "status.h"

typedef enum rncl_plot_quantity { RNCL_PLOT_ERROR, RNCL_PLOT_LOSS } rncl_plot_quantity;

/* What the horizontal axis counts. */
typedef enum rncl_plot_axis { RNCL_PLOT_STEPS, RNCL_PLOT_EPOCHS, RNCL_PLOT_TIME } rncl_plot_axis;

/* One plot of one or more run folders, thin lines for training and bold ones for validation, as in He et
 * al. 2015, figure 6. Several runs: the legend has the folders' names. One run: training and validation have
 * a colour each, the best evaluation is marked and named in the title with network and data, drops of the
 * learning rate are dashed lines, the smoothed loss of the steps is drawn faintly, and a second axis has the
 * epochs. RNCL_ERR_DATA for a metrics.csv that is missing or damaged, and for errors without an evaluation.
 */
rncl_status rncl_plot_runs(const char *path, const char *const *folders, size_t count,
                           rncl_plot_quantity quantity, rncl_plot_axis axis);

/* Error and loss of one run side by side; before the first evaluation the loss of its steps alone.
 * RNCL_ERR_DATA if there is neither. */
rncl_status rncl_plot_curves(const char *path, const char *folder);

#endif
