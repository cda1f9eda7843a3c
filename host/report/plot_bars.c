/* Horizontal bars, each with a name before it and a text behind it. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>

#include "axis.h"
#include "canvas.h"

enum {
    ROW = 18,
    BAR = 12,
    EDGE = 12,
    GAP = 8,
    FRAME = 380,
    TITLE = 34,
    BOTTOM = 46,
    WIDEST_LABEL = 400,
    ENTRY = 18, /* of the legend, ABREAST in a row */
    ABREAST = 3,
};

static const double font_size = 12;

typedef struct frame {
    cairo_t *cairo;
    const rncl_bar_chart *chart;
    rncl_axis x;
    double top, bottom, right; /* right: with the texts behind the bars */
} frame;

static size_t entries(const rncl_bar_chart *chart)
{
    return (chart->kinds ? chart->kind_count : 0) + (chart->before_label ? 1 : 0);
}

/* The frame's places follow from the widest label and text. */
static frame measure(const rncl_bar_chart *chart)
{
    frame f = {.chart = chart, .cairo = rncl_canvas_rehearse()};
    double label = 0, text = 0, most = 0;
    cairo_set_font_size(f.cairo, font_size);
    for (size_t i = 0; i < chart->count; i++) {
        const rncl_bar *bar = &chart->bars[i];
        label = fmax(label, rncl_canvas_width(f.cairo, bar->label));
        text = fmax(text, rncl_canvas_width(f.cairo, bar->text));
        most = fmax(most, fmax(bar->value, bar->before)); /* fmax passes NaN over */
    }
    cairo_destroy(f.cairo);
    f.x = rncl_axis_linear(most, 5);
    f.x.first = EDGE + fmin(label, WIDEST_LABEL) + GAP;
    f.x.last = f.x.first + FRAME;
    f.right = f.x.last + text + 2 * GAP;
    const size_t lines = (entries(chart) + ABREAST - 1) / ABREAST;
    f.top = TITLE + (double)lines * ENTRY + GAP;
    f.bottom = f.top + (double)chart->count * ROW + GAP;
    return f;
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
    const size_t count = rncl_axis_ticks(&f->x, ticks);
    for (size_t i = 0; i < count; i++) {
        const double x = rncl_axis_at(&f->x, ticks[i].value);
        rncl_canvas_grid(f->cairo);
        draw_line(f, x, f->top, x, f->bottom);
        rncl_canvas_ink(f->cairo);
        rncl_canvas_label(f->cairo, x, f->bottom + 12, 0.5, ticks[i].text);
    }
    rncl_canvas_label(f->cairo, (f->x.first + f->x.last) / 2, f->bottom + 32, 0.5, f->chart->x_label);
    cairo_set_line_width(f->cairo, 1);
    draw_line(f, f->x.first, f->top, f->x.first, f->bottom);
    draw_line(f, f->x.first, f->bottom, f->x.last, f->bottom);
}

static void draw_bar(const frame *f, const rncl_bar *bar, double middle)
{
    char label[256];
    double end = f->x.first;
    rncl_canvas_fit(f->cairo, bar->label, WIDEST_LABEL, label, sizeof label);
    rncl_canvas_ink(f->cairo);
    rncl_canvas_label(f->cairo, f->x.first - GAP, middle, 1, label);
    if (isfinite(bar->value)) {
        end = rncl_axis_at(&f->x, bar->value);
        rncl_canvas_use(f->cairo, bar->kind, 1);
        cairo_rectangle(f->cairo, f->x.first, middle - BAR / 2.0, end - f->x.first, BAR);
        cairo_fill(f->cairo);
    }
    rncl_canvas_ink(f->cairo);
    if (isfinite(bar->before)) {
        const double before = rncl_axis_at(&f->x, bar->before);
        cairo_set_line_width(f->cairo, 2);
        draw_line(f, before, middle - BAR / 2.0 - 1, before, middle + BAR / 2.0 + 1);
        end = fmax(end, before);
    }
    rncl_canvas_label(f->cairo, end + GAP, middle, 0, bar->text);
}

static void draw_entry(const frame *f, size_t index, const char *label, bool stroke)
{
    const size_t line = index / ABREAST, column = index % ABREAST;
    const double x = EDGE + (double)column * (f->right - 2 * EDGE) / ABREAST,
                 y = TITLE + ((double)line + 0.5) * ENTRY;
    if (stroke) {
        rncl_canvas_ink(f->cairo);
        cairo_set_line_width(f->cairo, 2);
        draw_line(f, x + BAR / 2.0, y - BAR / 2.0, x + BAR / 2.0, y + BAR / 2.0);
    } else {
        rncl_canvas_use(f->cairo, (int)index, 1);
        cairo_rectangle(f->cairo, x, y - BAR / 2.0, BAR, BAR);
        cairo_fill(f->cairo);
    }
    rncl_canvas_ink(f->cairo);
    rncl_canvas_label(f->cairo, x + BAR + GAP, y, 0, label);
}

static void draw_legend(const frame *f)
{
    const rncl_bar_chart *chart = f->chart;
    size_t index = 0;
    for (; chart->kinds && index < chart->kind_count; index++)
        draw_entry(f, index, chart->kinds[index], false);
    if (chart->before_label)
        draw_entry(f, index, chart->before_label, true);
}

rncl_status rncl_plot_bars(const char *path, const rncl_bar_chart *chart)
{
    frame f = measure(chart);
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, f.right, f.bottom + BOTTOM, 2, &canvas));
    f.cairo = canvas.cairo;
    cairo_set_font_size(f.cairo, font_size);
    draw_axes(&f);
    for (size_t i = 0; i < chart->count; i++)
        draw_bar(&f, &chart->bars[i], f.top + GAP / 2.0 + ((double)i + 0.5) * ROW);
    draw_legend(&f);
    rncl_canvas_title(f.cairo, EDGE, 10, f.right - 2 * EDGE, chart->title);
    return rncl_canvas_commit(&canvas);
}

#else

rncl_status rncl_plot_bars(const char *path, const rncl_bar_chart *chart)
{
    (void)chart;
    return rncl_plot_write(path, NULL, 0);
}

#endif
