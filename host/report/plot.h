/* Plots as image files, by cairo. Without cairo every call fails and says so. */
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
    const char *label; /* in the legend; NULL: not listed */
    int colour;        /* index; the same index has the same colour in all plots */
    bool bold, faint;
} rncl_plot_series;

/* One pair of axes. y runs from `y_least`, 0 or more, to `y_most`, or to the highest value if that is 0; if
 * it may be logarithmic and all values are above 0 and span two decades, between round numbers around them. x
 * runs from 0 to its highest value, or is logarithmic. */
typedef struct rncl_plot_panel {
    const char *x_label, *y_label;
    const rncl_plot_series *series;
    size_t series_count;
    double y_least, y_most;
    bool may_be_logarithmic;
    const char *title;             /* NULL: none */
    const double *mark_x, *mark_y; /* a point with a ring around it; NULL: none */
    const double *drops;           /* [drop_count] x of dashed vertical lines */
    size_t drop_count;
    bool logarithmic_x;       /* all x are above 0 */
    const char *second_label; /* of a second axis above the frame; NULL: there is none */
    double second_share;      /* what x is multiplied by there */
} rncl_plot_panel;

/* Whether rncl was built with cairo. */
bool rncl_plot_available(void);

/* RNCL_ERR_USAGE if a picture cannot be called `path` for its suffix, or cannot be drawn without cairo. */
rncl_status rncl_plot_check(const char *path);

/* Draws panels side by side into a .png, .svg or .pdf; the file appears whole or not at all.
 * RNCL_ERR_USAGE for other suffixes and without cairo. */
rncl_status rncl_plot_write(const char *path, const rncl_plot_panel *panels, size_t count);

/* A point under the roof. */
typedef struct rncl_roofline_point {
    double intensity; /* operations a byte; above 0 */
    double gflops;    /* above 0 */
    int kind;         /* index into `kinds` */
} rncl_roofline_point;

/* What a device can do at most, and what something does on it (Williams, Waterman and Patterson 2009). */
typedef struct rncl_roofline {
    const char *title;
    double peak_gflops, bandwidth_gbs;
    double lower_gflops; /* of a slower way to multiply, such as without matrix units; 0: there is one way */
    const rncl_roofline_point *points;
    size_t count;
    const char *const *kinds; /* the legend */
    size_t kind_count;
} rncl_roofline;

/* Draws the roof and the points under it, both axes logarithmic. Errors as rncl_plot_write. */
rncl_status rncl_plot_roofline(const char *path, const rncl_roofline *roofline);

/* Draws counts [classes][classes] (row: true class) as shares of their row; the rows of classes without
 * pictures are grey. labels: `classes` names;
 * NULL: numbers. */
rncl_status rncl_plot_confusion(const char *path, const uint64_t *counts, int classes,
                                const char *const *labels);

/* A horizontal bar. */
typedef struct rncl_bar {
    const char *label, *text; /* left of it, and behind its end */
    double value;             /* 0 or more; NaN: no bar, the text alone */
    double before;            /* marked by a stroke, such as the value without tuning; NaN: none */
    int kind;                 /* index into `kinds` */
} rncl_bar;

typedef struct rncl_bar_chart {
    const char *title, *x_label;
    const rncl_bar *bars; /* from top to bottom */
    size_t count;
    const char *const *kinds; /* the legend; NULL: none */
    size_t kind_count;
    const char *before_label; /* what strokes mean, in the legend; NULL: there are none */
} rncl_bar_chart;

/* Draws the bars from 0 on, one below the other. Errors as rncl_plot_write. */
rncl_status rncl_plot_bars(const char *path, const rncl_bar_chart *chart);

/* Draws filters [count][channels][rows][columns] as a grid of tiles, each from its own least weight (black)
 * to its greatest: in colours if there are three channels, otherwise the mean of the channels in grey. Errors
 * as rncl_plot_write. */
typedef struct rncl_filter_grid {
    const char *title;
    const float *weights;
    int count, channels, rows, columns;
} rncl_filter_grid;

rncl_status rncl_plot_filters(const char *path, const rncl_filter_grid *grid);

#endif
