/* A roofline: speed over intensity, both axes logarithmic. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "canvas.h"
#include "number.h"
#include "util.h"

enum { WIDTH = 720, HEIGHT = 480, LEFT = 74, RIGHT = 24, TOP = 40, BOTTOM = 56, DOT = 4 };

/* Okabe and Ito's palette, as in plot.c. */
static const double colours[][3] = {
    {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65}, {0.90, 0.62, 0.00}};

/* Decades that the frame covers, as exponents of ten. */
typedef struct frame {
    cairo_t *cairo;
    int x_first, x_last, y_first, y_last;
} frame;

static frame frame_of(const rncl_roofline *r)
{
    const double ridge = r->peak_gflops / r->bandwidth_gbs;
    double x_least = fmin(0.5, ridge), x_most = ridge, y_least = r->peak_gflops, y_most = r->peak_gflops;
    for (size_t i = 0; i < r->count; i++) {
        x_least = fmin(x_least, r->points[i].intensity);
        x_most = fmax(x_most, r->points[i].intensity);
        y_least = fmin(y_least, r->points[i].gflops);
        y_most = fmax(y_most, r->points[i].gflops);
    }
    return (frame){.x_first = (int)floor(log10(x_least)),
                   .x_last = (int)ceil(log10(2 * x_most)),
                   .y_first = (int)floor(log10(y_least)),
                   .y_last = (int)ceil(log10(1.2 * y_most))};
}

static double x_at(const frame *f, double intensity)
{
    return LEFT + (log10(intensity) - f->x_first) / (f->x_last - f->x_first) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const frame *f, double gflops)
{
    return HEIGHT - BOTTOM -
           (log10(gflops) - f->y_first) / (f->y_last - f->y_first) * (HEIGHT - TOP - BOTTOM);
}

static void draw_line(const frame *f, double x, double y, double to_x, double to_y)
{
    cairo_move_to(f->cairo, x, y);
    cairo_line_to(f->cairo, to_x, to_y);
    cairo_stroke(f->cairo);
}

static void draw_axes(const frame *f)
{
    char text[32];
    cairo_set_line_width(f->cairo, 0.6);
    for (int i = f->x_first; i <= f->x_last; i++) {
        const double x = x_at(f, pow(10, i));
        cairo_set_source_rgb(f->cairo, 0.88, 0.88, 0.88);
        draw_line(f, x, TOP, x, HEIGHT - BOTTOM);
        cairo_set_source_rgb(f->cairo, 0.2, 0.2, 0.2);
        rncl_number_format(text, sizeof text, "%g", pow(10, i));
        rncl_canvas_text(f->cairo, x, HEIGHT - BOTTOM + 8, 0.5, 0, text);
    }
    for (int i = f->y_first; i <= f->y_last; i++) {
        const double y = y_at(f, pow(10, i));
        cairo_set_source_rgb(f->cairo, 0.88, 0.88, 0.88);
        draw_line(f, LEFT, y, WIDTH - RIGHT, y);
        cairo_set_source_rgb(f->cairo, 0.2, 0.2, 0.2);
        rncl_number_format(text, sizeof text, "%g", pow(10, i));
        rncl_canvas_text(f->cairo, LEFT - 8, y, 1, 0.5, text);
    }
    rncl_canvas_text(f->cairo, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 22, 0.5, 0,
                     "operations a byte that must be moved");
    cairo_save(f->cairo);
    cairo_translate(f->cairo, 18, (TOP + HEIGHT - BOTTOM) / 2.0);
    cairo_rotate(f->cairo, -acos(-1) / 2);
    rncl_canvas_text(f->cairo, 0, 0, 0.5, 0.5, "GFLOP/s, by the direct method");
    cairo_restore(f->cairo);
}

static void draw_roof(const frame *f, const rncl_roofline *r)
{
    char text[64];
    const double ridge = r->peak_gflops / r->bandwidth_gbs, top = y_at(f, r->peak_gflops);
    const double lowest = fmax(pow(10, f->x_first), pow(10, f->y_first) / r->bandwidth_gbs);
    cairo_set_source_rgb(f->cairo, 0.1, 0.1, 0.1);
    cairo_set_line_width(f->cairo, 2);
    cairo_move_to(f->cairo, x_at(f, lowest), y_at(f, lowest * r->bandwidth_gbs));
    cairo_line_to(f->cairo, x_at(f, ridge), top);
    cairo_line_to(f->cairo, WIDTH - RIGHT, top);
    cairo_stroke(f->cairo);
    rncl_number_format(text, sizeof text, "%.0f GFLOP/s", r->peak_gflops);
    rncl_canvas_text(f->cairo, WIDTH - RIGHT - 6, top - 6, 1, 1, text);
    rncl_number_format(text, sizeof text, "%.1f GB/s", r->bandwidth_gbs);
    rncl_canvas_text(f->cairo, x_at(f, ridge) - 10, top - 6, 1, 1, text);
}

static void use_colour(const frame *f, int kind)
{
    const double *colour = colours[(size_t)kind % COUNT(colours)];
    cairo_set_source_rgb(f->cairo, colour[0], colour[1], colour[2]);
}

static void draw_dot(const frame *f, double x, double y)
{
    cairo_new_path(f->cairo);
    cairo_arc(f->cairo, x, y, DOT, 0, 2 * acos(-1));
    cairo_fill(f->cairo);
}

static void draw_legend(const frame *f, const rncl_roofline *r)
{
    for (size_t i = 0; i < r->kind_count; i++) {
        const double y = HEIGHT - BOTTOM - 18 * (double)(r->kind_count - i) + 4;
        use_colour(f, (int)i);
        draw_dot(f, WIDTH - RIGHT - 170, y);
        cairo_set_source_rgb(f->cairo, 0.1, 0.1, 0.1);
        rncl_canvas_text(f->cairo, WIDTH - RIGHT - 160, y, 0, 0.5, r->kinds[i]);
    }
}

rncl_status rncl_plot_roofline(const char *path, const rncl_roofline *roofline)
{
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, WIDTH, HEIGHT, 2, &canvas));
    frame f = frame_of(roofline);
    f.cairo = canvas.cairo;
    cairo_set_font_size(f.cairo, 13);
    draw_axes(&f);
    draw_roof(&f, roofline);
    for (size_t i = 0; i < roofline->count; i++) {
        use_colour(&f, roofline->points[i].kind);
        draw_dot(&f, x_at(&f, roofline->points[i].intensity), y_at(&f, roofline->points[i].gflops));
    }
    draw_legend(&f, roofline);
    cairo_set_source_rgb(f.cairo, 0.1, 0.1, 0.1);
    rncl_canvas_text(f.cairo, LEFT, 14, 0, 0, roofline->title);
    return rncl_canvas_commit(&canvas);
}

#else

rncl_status rncl_plot_roofline(const char *path, const rncl_roofline *roofline)
{
    (void)roofline;
    return rncl_plot_write(path, NULL, 0);
}

#endif
