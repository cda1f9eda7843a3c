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

static void use_font(cairo_t *cairo)
{
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
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
    use_font(out->cairo);
    return RNCL_OK;
}

cairo_t *rncl_canvas_rehearse(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    cairo_surface_destroy(surface); /* cairo holds it */
    use_font(cairo);
    return cairo;
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

void rncl_canvas_upwards(cairo_t *cairo, double x, double y, double across, double down, const char *text)
{
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, -acos(-1) / 2);
    rncl_canvas_text(cairo, 0, 0, across, down, text);
    cairo_restore(cairo);
}

void rncl_canvas_label(cairo_t *cairo, double x, double y, double across, const char *text)
{
    cairo_font_extents_t font;
    cairo_font_extents(cairo, &font);
    cairo_move_to(cairo, x - across * rncl_canvas_width(cairo, text), y + (font.ascent - font.descent) / 2);
    cairo_show_text(cairo, text);
}

double rncl_canvas_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Bytes of UTF-8 behind the first of a character. */
static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void rncl_canvas_fit(cairo_t *cairo, const char *text, double width, char *out, size_t size)
{
    static const char dots[] = "…";
    size_t length = strlen(text);
    if (length + sizeof dots > size) {
        length = size - sizeof dots;
        while (length > 0 && continues(text[length]))
            length--;
    }
    snprintf(out, size, "%.*s%s", (int)length, text, text[length] ? dots : "");
    while (length > 0 && rncl_canvas_width(cairo, out) > width) {
        do
            length--;
        while (length > 0 && continues(text[length]));
        snprintf(out, size, "%.*s%s", (int)length, text, dots);
    }
}

void rncl_canvas_title(cairo_t *cairo, double x, double y, double width, const char *text)
{
    static const double largest = 14, least = 10;
    char shown[512];
    cairo_save(cairo);
    cairo_set_font_size(cairo, largest);
    const double wanted = rncl_canvas_width(cairo, text);
    if (wanted > width)
        cairo_set_font_size(cairo, fmax(least, largest * width / wanted));
    rncl_canvas_fit(cairo, text, width, shown, sizeof shown);
    cairo_font_extents_t font;
    cairo_font_extents(cairo, &font);
    rncl_canvas_ink(cairo);
    cairo_move_to(cairo, x, y + font.ascent);
    cairo_show_text(cairo, shown);
    cairo_restore(cairo);
}

/* Okabe and Ito's palette, which colour-blind readers can tell apart. */
static const double colours[][3] = {
    {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
    {0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.00, 0.00, 0.00},
};

void rncl_canvas_use(cairo_t *cairo, int colour, double alpha)
{
    const double *c = colours[(size_t)colour % COUNT(colours)];
    cairo_set_source_rgba(cairo, c[0], c[1], c[2], alpha);
}

void rncl_canvas_ink(cairo_t *cairo)
{
    cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
}

void rncl_canvas_grid(cairo_t *cairo)
{
    cairo_set_source_rgb(cairo, 0.88, 0.88, 0.88);
    cairo_set_line_width(cairo, 0.6);
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
