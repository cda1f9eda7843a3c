/* A legend stands in the corner in which fewest points of the curves lie. */
#ifdef RNCL_WITH_CAIRO

#include "plot_legend.h"

#include <math.h>

#include "canvas.h"
#include "util.h"

enum { MARGIN = 8, SAMPLE = 28, GAP = 8, PADDING = 6, BETWEEN = 16 /* points looked at between two */ };

typedef struct box {
    double left, top, width, height;
} box;

void rncl_plot_pen(cairo_t *cairo, const rncl_plot_series *series)
{
    rncl_canvas_use(cairo, series->colour, series->faint ? 0.4 : 1);
    cairo_set_line_width(cairo, series->bold ? 2.6 : 1.2);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
}

static const char drop_label[] = "learning rate drops";

void rncl_plot_drop_pen(cairo_t *cairo)
{
    static const double dashes[] = {4, 4};
    cairo_set_source_rgb(cairo, 0.6, 0.6, 0.6);
    cairo_set_line_width(cairo, 1);
    cairo_set_dash(cairo, dashes, COUNT(dashes), 0);
}

static box size_of(cairo_t *cairo, const rncl_plot_panel *panel, double line)
{
    box b = {0};
    size_t labelled = 0;
    for (size_t i = 0; i < panel->series_count; i++) {
        if (!panel->series[i].label)
            continue;
        b.width = fmax(b.width, rncl_canvas_width(cairo, panel->series[i].label));
        labelled++;
    }
    if (panel->drop_count) {
        b.width = fmax(b.width, rncl_canvas_width(cairo, drop_label));
        labelled++;
    }
    b.width += SAMPLE + GAP + 2 * PADDING;
    b.height = labelled ? (double)labelled * line + PADDING : 0;
    return b;
}

static size_t count_points(const box *b, const rncl_plot_series *s, const rncl_axis *x, const rncl_axis *y)
{
    size_t count = 0;
    for (size_t i = 1; i < s->count; i++) {
        const double x0 = rncl_axis_at(x, s->x[i - 1]), y0 = rncl_axis_at(y, s->y[i - 1]);
        const double dx = rncl_axis_at(x, s->x[i]) - x0, dy = rncl_axis_at(y, s->y[i]) - y0;
        for (int j = 0; j < BETWEEN; j++) {
            const double px = x0 + dx * j / BETWEEN, py = y0 + dy * j / BETWEEN; /* NaN lies nowhere */
            count += px > b->left && px < b->left + b->width && py > b->top && py < b->top + b->height;
        }
    }
    return count;
}

/* The upper right corner first: falling curves leave it free. */
static void place(box *b, const rncl_plot_panel *panel, const rncl_axis *x, const rncl_axis *y)
{
    static const struct {
        bool right, upper;
    } corners[] = {{true, true}, {false, false}, {false, true}, {true, false}};
    size_t least = SIZE_MAX;
    box best = *b;
    for (size_t i = 0; i < COUNT(corners); i++) {
        b->left = corners[i].right ? x->last - b->width - MARGIN : x->first + MARGIN;
        b->top = corners[i].upper ? y->last + MARGIN : y->first - b->height - MARGIN;
        size_t count = 0;
        for (size_t j = 0; j < panel->series_count; j++)
            count += count_points(b, &panel->series[j], x, y);
        if (count < least) {
            least = count;
            best = *b;
        }
    }
    *b = best;
}

static void draw_box(cairo_t *cairo, const box *b)
{
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
    cairo_rectangle(cairo, b->left, b->top, b->width, b->height);
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 0.8, 0.8, 0.8);
    cairo_set_line_width(cairo, 0.8);
    cairo_stroke(cairo);
}

/* A line with the pen that is set, and what it means. */
static void draw_entry(cairo_t *cairo, const box *b, double middle, const char *label)
{
    cairo_move_to(cairo, b->left + PADDING, middle);
    cairo_line_to(cairo, b->left + PADDING + SAMPLE, middle);
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
    rncl_canvas_ink(cairo);
    rncl_canvas_label(cairo, b->left + PADDING + SAMPLE + GAP, middle, 0, label);
}

void rncl_plot_legend(cairo_t *cairo, const rncl_plot_panel *panel, const rncl_axis *x, const rncl_axis *y)
{
    cairo_font_extents_t font;
    cairo_font_extents(cairo, &font);
    const double line = font.height * 1.25;
    box b = size_of(cairo, panel, line);
    if (b.height <= 0)
        return;
    place(&b, panel, x, y);
    draw_box(cairo, &b);
    double middle = b.top + (PADDING + line) / 2;
    for (size_t i = 0; i < panel->series_count; i++) {
        if (!panel->series[i].label)
            continue;
        rncl_plot_pen(cairo, &panel->series[i]);
        draw_entry(cairo, &b, middle, panel->series[i].label);
        middle += line;
    }
    if (panel->drop_count) {
        rncl_plot_drop_pen(cairo);
        draw_entry(cairo, &b, middle, drop_label);
    }
}

#endif
