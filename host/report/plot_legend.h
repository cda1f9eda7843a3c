/* The legend of a panel, where it covers least of the curves. */
#ifndef RNCL_REPORT_PLOT_LEGEND_H
#define RNCL_REPORT_PLOT_LEGEND_H

#include <cairo.h>

#include "axis.h"
#include "plot.h"

/* Selects the colour and the width of a series' line. */
void rncl_plot_pen(cairo_t *cairo, const rncl_plot_series *series);

/* The same for drops of the learning rate: grey and dashed; whoever sets it ends the dashes. */
void rncl_plot_drop_pen(cairo_t *cairo);

/* Draws the labels of a panel's series, whose axes have their places, in the font that is set. */
void rncl_plot_legend(cairo_t *cairo, const rncl_plot_panel *panel, const rncl_axis *x, const rncl_axis *y);

#endif
