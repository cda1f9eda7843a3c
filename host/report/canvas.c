/* Creates a surface by the file's suffix; the file appears whole or not at all. */
#ifdef RNCL_WITH_CAIRO

#include "canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#include "util.h"

static cairo_status_t write_bytes(void *user, const unsigned char *data, unsigned size)
{
    return fwrite(data, 1, size, user) == size ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *create_png(cairo_write_func_t write, void *user, double width, double height)
{
    (void)write, (void)user;
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width), (int)ceil(height));
}

static const struct {
    const char *suffix;
    cairo_surface_t *(*create)(cairo_write_func_t write, void *user, double width, double height);
    bool pixels;
} formats[] = {
    {".png", create_png, true},
    {".svg", cairo_svg_surface_create_for_stream, false},
    {".pdf", cairo_pdf_surface_create_for_stream, false},
};

static size_t format_of(const char *path)
{
    const char *suffix = strrchr(path, '.');
    size_t i = 0;
    while (suffix && i < COUNT(formats) && strcmp(suffix, formats[i].suffix) != 0)
        i++;
    return suffix ? i : COUNT(formats);
}

rncl_status rncl_canvas_check(const char *path)
{
    if (format_of(path) == COUNT(formats))
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s: pictures are written as .png, .svg or .pdf", path);
    return RNCL_OK;
}

rncl_status rncl_canvas_create(const char *path, double width, double height, double scale, rncl_canvas *out)
{
    *out = (rncl_canvas){0};
    RNCL_TRY(rncl_canvas_check(path));
    const size_t format = format_of(path);
    RNCL_TRY(rncl_atomic_file_create(path, &out->file));
    out->png = formats[format].pixels;
    if (!out->png)
        scale = 1;
    out->surface = formats[format].create(write_bytes, out->file.stream, width * scale, height * scale);
    out->cairo = cairo_create(out->surface);
    cairo_scale(out->cairo, scale, scale);
    cairo_set_source_rgb(out->cairo, 1, 1, 1);
    cairo_paint(out->cairo);
    cairo_select_font_face(out->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    return RNCL_OK;
}

static void take_apart(rncl_canvas *canvas)
{
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
    canvas->cairo = NULL;
    canvas->surface = NULL;
}

void rncl_canvas_text(cairo_t *cairo, double x, double y, double across, double down, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    cairo_move_to(cairo, x - across * extents.width - extents.x_bearing,
                  y - extents.y_bearing - down * extents.height);
    cairo_show_text(cairo, text);
}

rncl_status rncl_canvas_commit(rncl_canvas *canvas)
{
    cairo_status_t status = cairo_status(canvas->cairo);
    if (!status && canvas->png)
        status = cairo_surface_write_to_png_stream(canvas->surface, write_bytes, canvas->file.stream);
    cairo_surface_finish(canvas->surface);
    if (!status)
        status = cairo_surface_status(canvas->surface);
    take_apart(canvas);
    if (!status)
        return rncl_atomic_file_commit(&canvas->file);
    rncl_status st = RNCL_FAIL(RNCL_ERR_IO, "%s could not be drawn: %s", canvas->file.path,
                               cairo_status_to_string(status));
    rncl_atomic_file_abandon(&canvas->file);
    return st;
}

void rncl_canvas_abandon(rncl_canvas *canvas)
{
    take_apart(canvas);
    rncl_atomic_file_abandon(&canvas->file);
}

#endif
