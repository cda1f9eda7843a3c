/* A roofline: speed over intensity, both axes logarithmic. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "axis.h"
#include "canvas.h"
#include "number.h"

enum { WIDTH = 720, HEIGHT = 480, LEFT = 78, RIGHT = 24, TOP = 40, BOTTOM = 56, DOT = 4 };

typedef struct frame {
    cairo_t *cairo;
    rncl_axis x, y;
} frame;

static frame frame_of(const rncl_roofline *r)
{
    const double ridge = r->peak_gflops / r->bandwidth_gbs;
    double x_least = fmin(0.5, ridge), x_most = ridge, y_least = r->peak_gflops, y_most = r->peak_gflops;
    if (r->lower_gflops > 0)
        y_least = r->lower_gflops;
    for (size_t i = 0; i < r->count; i++) {
        x_least = fmin(x_least, r->points[i].intensity);
        x_most = fmax(x_most, r->points[i].intensity);
        y_least = fmin(y_least, r->points[i].gflops);
        y_most = fmax(y_most, r->points[i].gflops);
    }
    frame f = {.x = rncl_axis_logarithmic(0.8 * x_least, 1.25 * x_most),
               .y = rncl_axis_logarithmic(0.8 * y_least, 1.25 * y_most)};
    f.x.first = LEFT;
    f.x.last = WIDTH - RIGHT;
    f.y.first = HEIGHT - BOTTOM;
    f.y.last = TOP;
    return f;
}

static double x_at(const frame *f, double intensity)
{
    return rncl_axis_at(&f->x, intensity);
}

static double y_at(const frame *f, double gflops)
{
    return rncl_axis_at(&f->y, gflops);
}

static void draw_line(const frame *f, double x, double y, double to_x, double to_y)
{
    cairo_move_to(f->cairo, x, y);
    cairo_line_to(f->cairo, to_x, to_y);
    cairo_stroke(f->cairo);
}

static void draw_axes(const frame *f)
{
    rncl_axis_tick ticks[RNCL_AXIS_TICKS];
    size_t count = rncl_axis_ticks(&f->x, ticks);
    for (size_t i = 0; i < count; i++) {
        const double x = x_at(f, ticks[i].value);
        rncl_canvas_grid(f->cairo);
        draw_line(f, x, TOP, x, HEIGHT - BOTTOM);
        rncl_canvas_ink(f->cairo);
        rncl_canvas_label(f->cairo, x, HEIGHT - BOTTOM + 14, 0.5, ticks[i].text);
    }
    count = rncl_axis_ticks(&f->y, ticks);
    for (size_t i = 0; i < count; i++) {
        const double y = y_at(f, ticks[i].value);
        rncl_canvas_grid(f->cairo);
        draw_line(f, LEFT, y, WIDTH - RIGHT, y);
        rncl_canvas_ink(f->cairo);
        rncl_canvas_label(f->cairo, LEFT - 8, y, 1, ticks[i].text);
    }
    cairo_set_line_width(f->cairo, 1);
    cairo_rectangle(f->cairo, LEFT, TOP, WIDTH - RIGHT - LEFT, HEIGHT - BOTTOM - TOP);
    cairo_stroke(f->cairo);
    rncl_canvas_label(f->cairo, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 18, 0.5,
                      "operations a byte that must be moved");
    rncl_canvas_upwards(f->cairo, 18, (TOP + HEIGHT - BOTTOM) / 2.0, 0.5, 0.5,
                        "GFLOP/s, by the direct method");
}

static void draw_roof(const frame *f, const rncl_roofline *r)
{
    char text[64];
    const double ridge = r->peak_gflops / r->bandwidth_gbs, top = y_at(f, r->peak_gflops);
    const double lowest = fmax(f->x.from, f->y.from / r->bandwidth_gbs);
    rncl_canvas_ink(f->cairo);
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

/* The roof of the slower way: a thin line below the other's. */
static void draw_lower_roof(const frame *f, const rncl_roofline *r)
{
    char text[64];
    const double y = y_at(f, r->lower_gflops);
    cairo_set_line_width(f->cairo, 1);
    draw_line(f, x_at(f, fmax(f->x.from, r->lower_gflops / r->bandwidth_gbs)), y, WIDTH - RIGHT, y);
    rncl_number_format(text, sizeof text, "%.0f GFLOP/s", r->lower_gflops);
    rncl_canvas_text(f->cairo, WIDTH - RIGHT - 6, y - 6, 1, 1, text);
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
        rncl_canvas_use(f->cairo, (int)i, 1);
        draw_dot(f, WIDTH - RIGHT - 170, y);
        rncl_canvas_ink(f->cairo);
        rncl_canvas_label(f->cairo, WIDTH - RIGHT - 160, y, 0, r->kinds[i]);
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
    if (roofline->lower_gflops > 0)
        draw_lower_roof(&f, roofline);
    for (size_t i = 0; i < roofline->count; i++) {
        rncl_canvas_use(f.cairo, roofline->points[i].kind, 1);
        draw_dot(&f, x_at(&f, roofline->points[i].intensity), y_at(&f, roofline->points[i].gflops));
    }
    draw_legend(&f, roofline);
    rncl_canvas_title(f.cairo, LEFT, 12, WIDTH - LEFT - RIGHT, roofline->title);
    return rncl_canvas_commit(&canvas);
}

#else

rncl_status rncl_plot_roofline(const char *path, const rncl_roofline *roofline)
{
    (void)roofline;
    return rncl_plot_write(path, NULL, 0);
}

#endif
