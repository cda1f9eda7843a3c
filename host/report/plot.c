/* Axes, lines and legends. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "canvas.h"
#include "number.h"
#include "util.h"

enum { WIDTH = 560, HEIGHT = 380, LEFT = 62, RIGHT = 24, TOP = 34, BOTTOM = 52 };

static const double font_size = 13;

/* Okabe and Ito's palette, which colour-blind readers can tell apart. */
static const double colours[][3] = {
    {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
    {0.90, 0.62, 0.00}, {0.34, 0.71, 0.91}, {0.00, 0.00, 0.00},
};

typedef struct axes {
    double left, top, width, height; /* of the frame, in points */
    double x_most, y_most;
    double x_step, y_step; /* between ticks */
    bool logarithmic;      /* y, from 10^y_first to 10^y_last */
    int y_first, y_last;
} axes;

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps make up `most`. */
static double nice_step(double most, double wanted)
{
    double raw = most / wanted, power = pow(10, floor(log10(raw))), share = raw / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

/* Where all values are above 0 and span two decades or more, as losses do that fall far. */
static void choose_scale(axes *a, const rncl_plot_panel *panel)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < panel->series_count; i++)
        for (size_t j = 0; j < panel->series[i].count; j++)
            if (isfinite(panel->series[i].y[j])) {
                least = fmin(least, panel->series[i].y[j]);
                most = fmax(most, panel->series[i].y[j]);
            }
    a->logarithmic = panel->may_be_logarithmic && least > 0 && most >= 100 * least;
    if (!a->logarithmic)
        return;
    a->y_first = (int)floor(log10(least));
    a->y_last = (int)ceil(log10(most));
}

static axes axes_of(const rncl_plot_panel *panel, size_t index)
{
    axes a = {.left = LEFT + (double)index * WIDTH,
              .top = TOP,
              .width = WIDTH - LEFT - RIGHT,
              .height = HEIGHT - TOP - BOTTOM};
    for (size_t i = 0; i < panel->series_count; i++)
        for (size_t j = 0; j < panel->series[i].count; j++) {
            a.x_most = fmax(a.x_most, panel->series[i].x[j]);
            if (isfinite(panel->series[i].y[j]))
                a.y_most = fmax(a.y_most, panel->series[i].y[j]);
        }
    a.x_most = a.x_most > 0 ? a.x_most : 1;
    a.y_most = panel->y_most > 0 ? panel->y_most : a.y_most > 0 ? a.y_most : 1;
    a.x_step = nice_step(a.x_most, 6);
    a.y_step = nice_step(a.y_most, 6);
    if (panel->y_most <= 0)
        a.y_most = ceil(a.y_most / a.y_step) * a.y_step;
    choose_scale(&a, panel);
    return a;
}

static double x_at(const axes *a, double x)
{
    return a->left + x / a->x_most * a->width;
}

static double y_at(const axes *a, double y)
{
    const double share = a->logarithmic ? (log10(y) - a->y_first) / (a->y_last - a->y_first) : y / a->y_most;
    return a->top + a->height - share * a->height;
}

/* Tick labels; 20000 becomes 20k. */
static void format_tick(double value, double step, char *text, size_t size)
{
    if (step >= 1000)
        rncl_number_format(text, size, "%gk", value / 1000);
    else
        rncl_number_format(text, size, "%g", value);
}

static void draw_y_tick(cairo_t *cairo, const axes *a, double y)
{
    char text[32];
    format_tick(y, a->logarithmic ? y : a->y_step, text, sizeof text);
    cairo_set_source_rgb(cairo, 0.88, 0.88, 0.88);
    cairo_move_to(cairo, a->left, y_at(a, y));
    cairo_line_to(cairo, a->left + a->width, y_at(a, y));
    cairo_stroke(cairo);
    cairo_set_source_rgb(cairo, 0.2, 0.2, 0.2);
    rncl_canvas_text(cairo, a->left - 8, y_at(a, y), 1, 0.5, text);
}

static void draw_ticks(cairo_t *cairo, const axes *a)
{
    char text[32];
    cairo_set_line_width(cairo, 0.6);
    for (int i = 0; i * a->x_step <= a->x_most * 1.0001; i++) {
        const double x = i * a->x_step;
        format_tick(x, a->x_step, text, sizeof text);
        cairo_set_source_rgb(cairo, 0.2, 0.2, 0.2);
        rncl_canvas_text(cairo, x_at(a, x), a->top + a->height + 8, 0.5, 0, text);
    }
    if (a->logarithmic)
        for (int i = a->y_first; i <= a->y_last; i++)
            draw_y_tick(cairo, a, pow(10, i));
    else
        for (int i = 0; i * a->y_step <= a->y_most * 1.0001; i++)
            draw_y_tick(cairo, a, i * a->y_step);
}

static void draw_frame(cairo_t *cairo, const axes *a, const rncl_plot_panel *panel)
{
    cairo_set_font_size(cairo, font_size - 1);
    draw_ticks(cairo, a);
    cairo_set_source_rgb(cairo, 0.2, 0.2, 0.2);
    cairo_set_line_width(cairo, 1);
    cairo_rectangle(cairo, a->left, a->top, a->width, a->height);
    cairo_stroke(cairo);
    cairo_set_font_size(cairo, font_size);
    rncl_canvas_text(cairo, a->left + a->width / 2, a->top + a->height + 32, 0.5, 0, panel->x_label);
    cairo_save(cairo);
    cairo_translate(cairo, a->left - 46, a->top + a->height / 2);
    cairo_rotate(cairo, -acos(-1) / 2);
    rncl_canvas_text(cairo, 0, 0, 0.5, 0.5, panel->y_label);
    cairo_restore(cairo);
}

static void use_pen(cairo_t *cairo, const rncl_plot_series *series)
{
    const double *colour = colours[(size_t)series->colour % COUNT(colours)];
    cairo_set_source_rgba(cairo, colour[0], colour[1], colour[2], series->faint ? 0.35 : 1);
    cairo_set_line_width(cairo, series->bold ? 2.6 : 1.0);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
}

static void draw_series(cairo_t *cairo, const axes *a, const rncl_plot_series *series)
{
    use_pen(cairo, series);
    cairo_new_path(cairo);
    if (series->count == 1 && isfinite(series->y[0])) {
        cairo_arc(cairo, x_at(a, series->x[0]), y_at(a, series->y[0]), 3, 0, 2 * acos(-1));
        cairo_fill(cairo);
    }
    for (size_t i = 0; i < series->count; i++)
        if (isfinite(series->y[i]))
            cairo_line_to(cairo, x_at(a, series->x[i]), y_at(a, series->y[i]));
    cairo_stroke(cairo);
}

static void draw_drops(cairo_t *cairo, const axes *a, const rncl_plot_panel *panel)
{
    static const double dashes[] = {4, 4};
    cairo_set_source_rgb(cairo, 0.6, 0.6, 0.6);
    cairo_set_line_width(cairo, 1);
    cairo_set_dash(cairo, dashes, COUNT(dashes), 0);
    for (size_t i = 0; i < panel->drop_count; i++) {
        cairo_move_to(cairo, x_at(a, panel->drops[i]), a->top);
        cairo_line_to(cairo, x_at(a, panel->drops[i]), a->top + a->height);
        cairo_stroke(cairo);
    }
    cairo_set_dash(cairo, NULL, 0, 0);
}

static void draw_mark(cairo_t *cairo, const axes *a, const rncl_plot_panel *panel)
{
    if (!panel->mark_x)
        return;
    cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
    cairo_set_line_width(cairo, 1.4);
    cairo_new_path(cairo);
    cairo_arc(cairo, x_at(a, *panel->mark_x), y_at(a, *panel->mark_y), 5, 0, 2 * acos(-1));
    cairo_stroke(cairo);
}

/* In the upper right corner, or the lower left one of a logarithmic axis, on white: falling curves leave room
 * there. */
static void draw_legend(cairo_t *cairo, const axes *a, const rncl_plot_panel *panel)
{
    double widest = 0, line = font_size * 1.5, y = a->top + 10;
    size_t labelled = 0;
    for (size_t i = 0; i < panel->series_count; i++) {
        cairo_text_extents_t extents;
        if (!panel->series[i].label)
            continue;
        cairo_text_extents(cairo, panel->series[i].label, &extents);
        widest = fmax(widest, extents.width);
        labelled++;
    }
    if (!labelled)
        return;
    double left = a->left + a->width - widest - 58;
    if (a->logarithmic) {
        left = a->left + 10;
        y = a->top + a->height - (double)labelled * line - 18;
    }
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
    cairo_rectangle(cairo, left, y, widest + 48, (double)labelled * line + 8);
    cairo_fill(cairo);
    for (size_t i = 0; i < panel->series_count; i++) {
        const rncl_plot_series *series = &panel->series[i];
        if (!series->label)
            continue;
        y += line;
        use_pen(cairo, series);
        cairo_move_to(cairo, left + 6, y - font_size * 0.35);
        cairo_line_to(cairo, left + 34, y - font_size * 0.35);
        cairo_stroke(cairo);
        cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
        cairo_move_to(cairo, left + 42, y);
        cairo_show_text(cairo, series->label);
    }
}

static void draw_panel(cairo_t *cairo, const rncl_plot_panel *panel, size_t index)
{
    const axes a = axes_of(panel, index);
    draw_frame(cairo, &a, panel);
    cairo_save(cairo);
    cairo_rectangle(cairo, a.left, a.top, a.width, a.height);
    cairo_clip(cairo);
    draw_drops(cairo, &a, panel);
    for (size_t i = 0; i < panel->series_count; i++)
        draw_series(cairo, &a, &panel->series[i]);
    cairo_restore(cairo);
    draw_mark(cairo, &a, panel); /* not clipped: the best is often the last */
    cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
    if (panel->title)
        rncl_canvas_text(cairo, a.left + a.width / 2, 10, 0.5, 0, panel->title);
    draw_legend(cairo, &a, panel);
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
