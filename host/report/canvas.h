/* A cairo surface on its way into a file. */
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

/* White, width x height points; a PNG has `scale` pixels a point. The suffix says which format. */
rncl_status rncl_canvas_create(const char *path, double width, double height, double scale, rncl_canvas *out);

/* Writes it all and ends the canvas; or ends it without a file. */
rncl_status rncl_canvas_commit(rncl_canvas *canvas);
void rncl_canvas_abandon(rncl_canvas *canvas);

#endif
