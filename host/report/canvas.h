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
/* The same, upwards; (`across`, `down`) as the text reads. */
void rncl_canvas_upwards(cairo_t *cairo, double x, double y, double across, double down, const char *text);
/* Draws text whose letters stand around y whatever they are, so that labels in a row have one base line. */
void rncl_canvas_label(cairo_t *cairo, double x, double y, double across, const char *text);
/* A heading whose top is at y: in smaller letters, and in the end cut off, where it is wider than `width`. */
void rncl_canvas_title(cairo_t *cairo, double x, double y, double width, const char *text);
double rncl_canvas_width(cairo_t *cairo, const char *text);
/* Copies text and, where it is wider than `width` or has no room in `size` bytes, cuts its end off, between
 * characters. */
void rncl_canvas_fit(cairo_t *cairo, const char *text, double width, char *out, size_t size);

/* Sets one of the colours that tell things apart; the same index has the same colour in all pictures. */
void rncl_canvas_use(cairo_t *cairo, int colour, double alpha);
void rncl_canvas_ink(cairo_t *cairo);  /* of text and frames */
void rncl_canvas_grid(cairo_t *cairo); /* of lines behind curves, with their width */

/* A drawing that is never shown, in the font of canvases: to measure text before a canvas has its size.
 * cairo_destroy ends it. */
cairo_t *rncl_canvas_rehearse(void);

/* Writes the file and ends the canvas; or ends it without writing a file. */
rncl_status rncl_canvas_commit(rncl_canvas *canvas);
void rncl_canvas_abandon(rncl_canvas *canvas);

#endif
