/* Plots of the metrics.csv of runs, against iterations. */
#ifndef RNCL_REPORT_PLOT_RUNS_H
#define RNCL_REPORT_PLOT_RUNS_H

#include <stddef.h>

#include "status.h"

typedef enum rncl_plot_quantity { RNCL_PLOT_ERROR, RNCL_PLOT_LOSS } rncl_plot_quantity;

/* One plot of one or more run folders, thin lines for training and bold ones for validation, as in He et
 * al. 2015, figure 6; the legend has the folders' names. RNCL_ERR_DATA for a metrics.csv that is missing
 * or damaged. */
rncl_status rncl_plot_runs(const char *path, const char *const *folders, size_t count,
                           rncl_plot_quantity quantity);

/* Error and loss of one run side by side. */
rncl_status rncl_plot_curves(const char *path, const char *folder);

#endif
