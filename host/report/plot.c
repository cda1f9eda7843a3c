/* Panels: axes, lines, marks and legends. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>

#include "axis.h"
#include "canvas.h"
#include "plot_legend.h"

enum { WIDTH = 560, HEIGHT = 400, EDGE = 10, RIGHT = 24, TITLE = 30, TICK = 5, GAP = 4, TICKS_WANTED = 6 };

static const double font_size = 13, tick_size = 12;

typedef struct frame {
    cairo_t *cairo;
    const rncl_plot_panel *panel;
    rncl_axis x, y;
    rncl_axis_tick x_ticks[RNCL_AXIS_TICKS], y_ticks[RNCL_AXIS_TICKS];
    size_t x_count, y_count;
    double left; /* of the panel */
} frame;

/* ---- ranges and margins ---- */

typedef struct range {
    double least, most;
} range;

static void widen(range *r, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            r->least = fmin(r->least, values[i]);
            r->most = fmax(r->most, values[i]);
        }
}

static void choose_axes(frame *f)
{
    const rncl_plot_panel *panel = f->panel;
    range x = {INFINITY, 0}, y = {INFINITY, 0};
    for (size_t i = 0; i < panel->series_count; i++) {
        widen(&x, panel->series[i].x, panel->series[i].count);
        widen(&y, panel->series[i].y, panel->series[i].count);
    }
    f->x = panel->logarithmic_x && isfinite(x.least) ? rncl_axis_logarithmic(x.least, x.most)
                                                     : rncl_axis_linear(x.most, TICKS_WANTED);
    if (panel->may_be_logarithmic && y.least > 0 && y.most >= 100 * y.least)
        f->y = rncl_axis_logarithmic(y.least, y.most);
    else if (panel->y_most > panel->y_least)
        f->y = rncl_axis_between(panel->y_least, panel->y_most, TICKS_WANTED);
    else
        f->y = rncl_axis_rounded(y.most, TICKS_WANTED);
    f->x_count = rncl_axis_ticks(&f->x, f->x_ticks);
    f->y_count = rncl_axis_ticks(&f->y, f->y_ticks);
}

/* The frame takes what the labels leave. */
static void choose_places(frame *f)
{
    double widest = 0;
    cairo_set_font_size(f->cairo, tick_size);
    for (size_t i = 0; i < f->y_count; i++)
        widest = fmax(widest, rncl_canvas_width(f->cairo, f->y_ticks[i].text));
    const double label = font_size + GAP, ticks = TICK + GAP + tick_size;
    f->x.first = f->left + EDGE + label + widest + TICK + 2 * GAP;
    f->x.last = f->left + WIDTH - RIGHT;
    f->y.first = HEIGHT - EDGE - label - GAP - ticks;
    f->y.last = TITLE + (f->panel->second_label ? ticks + label : 0);
}

/* ---- axes ---- */

static void draw_line(cairo_t *cairo, double x, double y, double to_x, double to_y)
{
    cairo_move_to(cairo, x, y);
    cairo_line_to(cairo, to_x, to_y);
    cairo_stroke(cairo);
}

static void draw_y_tick(const frame *f, const rncl_axis_tick *tick)
{
    const double y = rncl_axis_at(&f->y, tick->value), length = tick->text[0] ? TICK : TICK / 2.0;
    if (tick->text[0]) {
        rncl_canvas_grid(f->cairo);
        draw_line(f->cairo, f->x.first, y, f->x.last, y);
    }
    rncl_canvas_ink(f->cairo);
    cairo_set_line_width(f->cairo, 1);
    draw_line(f->cairo, f->x.first - length, y, f->x.first, y);
    rncl_canvas_label(f->cairo, f->x.first - TICK - GAP, y, 1, tick->text);
}

/* Below the frame, or above it: away is 1 or -1. */
static void draw_x_tick(const frame *f, double x, double edge, int away, const char *text)
{
    const double length = text[0] ? TICK : TICK / 2.0;
    rncl_canvas_ink(f->cairo);
    cairo_set_line_width(f->cairo, 1);
    draw_line(f->cairo, x, edge, x, edge + away * length);
    rncl_canvas_label(f->cairo, x, edge + away * (TICK + GAP + tick_size / 2), 0.5, text);
}

/* The same places in another unit, above the frame. */
static void draw_second_axis(const frame *f)
{
    rncl_axis_tick ticks[RNCL_AXIS_TICKS];
    rncl_axis axis = rncl_axis_linear(f->x.to * f->panel->second_share, TICKS_WANTED);
    axis.first = f->x.first;
    axis.last = f->x.last;
    const size_t count = rncl_axis_ticks(&axis, ticks);
    cairo_set_font_size(f->cairo, tick_size);
    for (size_t i = 0; i < count; i++)
        draw_x_tick(f, rncl_axis_at(&axis, ticks[i].value), f->y.last, -1, ticks[i].text);
    cairo_set_font_size(f->cairo, font_size);
    rncl_canvas_label(f->cairo, (f->x.first + f->x.last) / 2,
                      f->y.last - TICK - 2 * GAP - tick_size - font_size / 2, 0.5, f->panel->second_label);
}

static void draw_axes(const frame *f)
{
    cairo_set_font_size(f->cairo, tick_size);
    for (size_t i = 0; i < f->y_count; i++)
        draw_y_tick(f, &f->y_ticks[i]);
    for (size_t i = 0; i < f->x_count; i++)
        draw_x_tick(f, rncl_axis_at(&f->x, f->x_ticks[i].value), f->y.first, 1, f->x_ticks[i].text);
    cairo_rectangle(f->cairo, f->x.first, f->y.last, f->x.last - f->x.first, f->y.first - f->y.last);
    cairo_stroke(f->cairo);
    if (f->panel->second_label)
        draw_second_axis(f);
    cairo_set_font_size(f->cairo, font_size);
    rncl_canvas_label(f->cairo, (f->x.first + f->x.last) / 2, HEIGHT - EDGE - font_size / 2, 0.5,
                      f->panel->x_label);
    rncl_canvas_upwards(f->cairo, f->left + EDGE, (f->y.first + f->y.last) / 2, 0.5, 0, f->panel->y_label);
}

/* ---- what is drawn in the frame ---- */

static void draw_series(const frame *f, const rncl_plot_series *series)
{
    rncl_plot_pen(f->cairo, series);
    cairo_new_path(f->cairo);
    if (series->count == 1 && isfinite(series->y[0])) {
        cairo_arc(f->cairo, rncl_axis_at(&f->x, series->x[0]), rncl_axis_at(&f->y, series->y[0]), 3, 0,
                  2 * acos(-1));
        cairo_fill(f->cairo);
    }
    for (size_t i = 0; i < series->count; i++)
        if (isfinite(series->y[i]))
            cairo_line_to(f->cairo, rncl_axis_at(&f->x, series->x[i]), rncl_axis_at(&f->y, series->y[i]));
    cairo_stroke(f->cairo);
}

static void draw_drops(const frame *f)
{
    rncl_plot_drop_pen(f->cairo);
    for (size_t i = 0; i < f->panel->drop_count; i++) {
        const double x = rncl_axis_at(&f->x, f->panel->drops[i]);
        draw_line(f->cairo, x, f->y.last, x, f->y.first);
    }
    cairo_set_dash(f->cairo, NULL, 0, 0);
}

static void draw_mark(const frame *f)
{
    if (!f->panel->mark_x)
        return;
    rncl_canvas_ink(f->cairo);
    cairo_set_line_width(f->cairo, 1.4);
    cairo_new_path(f->cairo);
    cairo_arc(f->cairo, rncl_axis_at(&f->x, *f->panel->mark_x), rncl_axis_at(&f->y, *f->panel->mark_y), 5, 0,
              2 * acos(-1));
    cairo_stroke(f->cairo);
}

static void draw_panel(cairo_t *cairo, const rncl_plot_panel *panel, size_t index)
{
    frame f = {.cairo = cairo, .panel = panel, .left = (double)index * WIDTH};
    choose_axes(&f);
    choose_places(&f);
    draw_axes(&f);
    cairo_save(cairo);
    cairo_rectangle(cairo, f.x.first, f.y.last, f.x.last - f.x.first, f.y.first - f.y.last);
    cairo_clip(cairo);
    draw_drops(&f);
    for (size_t i = 0; i < panel->series_count; i++)
        draw_series(&f, &panel->series[i]);
    cairo_restore(cairo);
    draw_mark(&f); /* not clipped: the best is often the last */
    if (panel->title)
        rncl_canvas_title(cairo, f.x.first, EDGE, f.x.last - f.x.first, panel->title);
    rncl_plot_legend(cairo, panel, &f.x, &f.y);
}

bool rncl_plot_available(void)
{
    return true;
}

rncl_status rncl_plot_check(const char *path)
{
    return rncl_canvas_check(path);
}

rncl_status rncl_plot_write(const char *path, const rncl_plot_panel *panels, size_t count)
{
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, (double)count * WIDTH, HEIGHT, 2, &canvas));
    for (size_t i = 0; i < count; i++)
        draw_panel(canvas.cairo, &panels[i], i);
    return rncl_canvas_commit(&canvas);
}

#else

bool rncl_plot_available(void)
{
    return false;
}

rncl_status rncl_plot_check(const char *path)
{
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "%s: this rncl was built without cairo; on Debian: apt install libcairo2-dev, and "
                     "build again",
                     path);
}

rncl_status rncl_plot_write(const char *path, const rncl_plot_panel *panels, size_t count)
{
    (void)panels, (void)count;
    return rncl_plot_check(path);
}

#endif
