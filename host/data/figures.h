/* The figures of the generated set: one class each, as a signed distance. */
#ifndef RNCL_DATA_FIGURES_H
#define RNCL_DATA_FIGURES_H

/* Signed distance (negative inside) of the point (x, y) from the figure, which lies in the unit circle.
 * `variant` in 0..1 is what a picture is free in: the width of a ring, the number of stripes. */
typedef float (*rncl_figure_distance)(float x, float y, float variant);

enum { RNCL_FIGURES = 10 };

/* In the order of the labels. */
extern const char *const rncl_figure_names[RNCL_FIGURES];
extern const rncl_figure_distance rncl_figures[RNCL_FIGURES];

#endif
