/* `rncl plot` of what is no run: a model's first layer, and a device's tuning results. */
#ifndef RNCL_CLI_PLOT_FILES_H
#define RNCL_CLI_PLOT_FILES_H

#include "status.h"

/* Draws the first convolution of a model file into `out`. RNCL_ERR_MODEL if the file has none. */
rncl_status rncl_plot_model_filters(const char *model, const char *out);

/* Draws the time of each problem in a file of tuning results (at most the forty that take longest): what has
 * been found by which algorithm, and the presets'. RNCL_ERR_DATA for another file. */
rncl_status rncl_plot_tuning(const char *path, const char *out);

#endif
