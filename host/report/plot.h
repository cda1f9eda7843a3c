/* Line plots as pictures (cairo; without it, every call says so). */
#ifndef RNCL_REPORT_PLOT_H
#define RNCL_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* One line. Points whose y is not finite are left out. */
typedef struct rncl_plot_series {
    const double *x, *y;
    size_t count;
    const char *label; /* in the legend; NULL: not there */
    int colour;        /* index; the same index is the same colour everywhere */
    bool bold;
} rncl_plot_series;

/* One pair of axes. y begins at 0; it ends at `y_most`, or where the highest line needs it if that is 0. */
typedef struct rncl_plot_panel {
    const char *x_label, *y_label;
    const rncl_plot_series *series;
    size_t series_count;
    double y_most;
} rncl_plot_panel;

/* Whether this rncl can draw. */
bool rncl_plot_available(void);

/* Draws panels side by side into a .png, .svg or .pdf; the file is whole or not there. RNCL_ERR_USAGE for
 * other suffixes and without cairo. */
rncl_status rncl_plot_write(const char *path, const rncl_plot_panel *panels, size_t count);

/* Draws counts [classes][classes] (row: true class) as shares of their row. labels: `classes` names, or NULL:
 * numbers. */
rncl_status rncl_plot_confusion(const char *path, const uint64_t *counts, int classes,
                                const char *const *labels);

#endif
