/* A cairo surface that is written into a file. */
#ifndef RNCL_REPORT_CANVAS_H
#define RNCL_REPORT_CANVAS_H

#include <cairo.h>

#include "file.h"

typedef struct rncl_canvas {
    cairo_t *cairo;
    cairo_surface_t *surface;
    rncl_atomic_file file;
    bool png; /* written at the end */
} rncl_canvas;

/* RNCL_ERR_USAGE if the suffix is none of .png, .svg and .pdf. */
rncl_status rncl_canvas_check(const char *path);

/* A white surface of width x height points; a PNG has `scale` pixels a point. The suffix selects the
 * format. */
rncl_status rncl_canvas_create(const char *path, double width, double height, double scale, rncl_canvas *out);

/* Draws text so that its point (`across`, `down`), in fractions of its size, is at (x, y). */
void rncl_canvas_text(cairo_t *cairo, double x, double y, double across, double down, const char *text);

/* Writes the file and ends the canvas; or ends it without writing a file. */
rncl_status rncl_canvas_commit(rncl_canvas *canvas);
void rncl_canvas_abandon(rncl_canvas *canvas);

#endif
