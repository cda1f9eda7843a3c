/* A confusion matrix as a picture: a row for each true class, a column for each predicted class. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "canvas.h"
#include "number.h"
#include "util.h"

/* With more classes there is no room for names and figures. */
enum { MOST_NAMED = 40, TITLE = 34, AXIS = 28, BAR = 90, NAME = 120 /* widest */, GAP = 8 };

static const double font_size = 12;

typedef struct matrix {
    cairo_t *cairo;
    const uint64_t *counts;
    int classes;
    const char *const *labels;
    double left, top, cell;
    bool named, missing; /* missing: a class has no pictures */
} matrix;

static void name_of(const matrix *m, int class, char *text, size_t size)
{
    if (m->labels)
        rncl_canvas_fit(m->cairo, m->labels[class], NAME, text, size);
    else
        snprintf(text, size, "%d", class);
}

static double count_at(const matrix *m, int row, int column)
{
    return (double)m->counts[row * m->classes + column];
}

static double row_total(const matrix *m, int row)
{
    double total = 0;
    for (int column = 0; column < m->classes; column++)
        total += count_at(m, row, column);
    return total;
}

static void use_shade(const matrix *m, double share)
{
    cairo_set_source_rgb(m->cairo, 1 - share, 1 - 0.62 * share, 1 - 0.32 * share);
}

/* Per cent of the row, and the count below it. Cells without answers stay empty. */
static void write_cell(const matrix *m, double x, double y, double count, double share)
{
    char text[32];
    const double ink = share > 0.55 ? 1 : 0.15;
    cairo_set_source_rgb(m->cairo, ink, ink, ink);
    rncl_number_format(text, sizeof text,
                       share < 0.001  ? "<0.1 %%"
                       : share < 0.01 ? "%.1f %%"
                                      : "%.0f %%",
                       100 * share);
    cairo_set_font_size(m->cairo, 11);
    rncl_canvas_text(m->cairo, x, y - 3, 0.5, 1, text);
    rncl_number_format(text, sizeof text, "%.0f", count);
    cairo_set_font_size(m->cairo, 9);
    rncl_canvas_text(m->cairo, x, y + 4, 0.5, 0, text);
    cairo_set_font_size(m->cairo, font_size);
}

static void draw_row(matrix *m, int row)
{
    const double total = row_total(m, row), y = m->top + row * m->cell;
    if (total <= 0) {
        m->missing = true;
        cairo_set_source_rgb(m->cairo, 0.86, 0.86, 0.86);
        cairo_rectangle(m->cairo, m->left, y, m->classes * m->cell, m->cell);
        cairo_fill(m->cairo);
        return;
    }
    for (int column = 0; column < m->classes; column++) {
        const double count = count_at(m, row, column), x = m->left + column * m->cell;
        use_shade(m, count / total);
        cairo_rectangle(m->cairo, x, y, m->cell, m->cell);
        cairo_fill(m->cairo);
        if (m->named && count > 0)
            write_cell(m, x + m->cell / 2, y + m->cell / 2, count, count / total);
    }
}

/* Room for the names beside the matrix and above it. */
static double widest_name(matrix m)
{
    char text[128];
    double widest = 0;
    m.cairo = rncl_canvas_rehearse();
    cairo_set_font_size(m.cairo, font_size);
    for (int i = 0; i < m.classes; i++) {
        name_of(&m, i, text, sizeof text);
        widest = fmax(widest, rncl_canvas_width(m.cairo, text));
    }
    cairo_destroy(m.cairo);
    return widest;
}

static void draw_names(const matrix *m)
{
    char text[128];
    for (int i = 0; i < m->classes; i++) {
        const double middle = (i + 0.5) * m->cell;
        name_of(m, i, text, sizeof text);
        rncl_canvas_label(m->cairo, m->left - GAP, m->top + middle, 1, text);
        rncl_canvas_upwards(m->cairo, m->left + middle, m->top - GAP, 0, 0.5, text);
    }
}

static void draw_frame(const matrix *m)
{
    const double side = m->classes * m->cell;
    rncl_canvas_ink(m->cairo);
    cairo_set_line_width(m->cairo, 1);
    cairo_rectangle(m->cairo, m->left, m->top, side, side);
    cairo_stroke(m->cairo);
    rncl_canvas_text(m->cairo, m->left + side / 2, TITLE, 0.5, 0, "predicted class");
    rncl_canvas_upwards(m->cairo, 16, m->top + side / 2, 0.5, 0.5, "true class");
    if (m->missing)
        rncl_canvas_text(m->cairo, m->left, m->top + side + 10, 0, 0, "grey: no pictures of this class");
}

static void draw_title(const matrix *m)
{
    double right = 0, images = 0;
    char text[96];
    for (int row = 0; row < m->classes; row++) {
        right += count_at(m, row, row);
        images += row_total(m, row);
    }
    if (images <= 0)
        return;
    rncl_number_format(text, sizeof text, "top-1 %.2f %% of %.0f pictures", 100 * right / images, images);
    rncl_canvas_title(m->cairo, m->left, 10, m->classes * m->cell + BAR - GAP, text);
}

/* What the shades mean. */
static void draw_bar(const matrix *m)
{
    enum { SHADES = 100 };
    const double side = m->classes * m->cell, left = m->left + side + 16;
    char text[16];
    for (int i = 0; i < SHADES; i++) {
        use_shade(m, (i + 0.5) / SHADES);
        cairo_rectangle(m->cairo, left, m->top + side * (SHADES - 1 - i) / SHADES, 14, side / SHADES + 0.5);
        cairo_fill(m->cairo);
    }
    rncl_canvas_ink(m->cairo);
    cairo_rectangle(m->cairo, left, m->top, 14, side);
    cairo_stroke(m->cairo);
    for (int percent = 0; percent <= 100; percent += 25) {
        snprintf(text, sizeof text, "%d %%", percent);
        rncl_canvas_text(m->cairo, left + 20, m->top + side * (100 - percent) / 100, 0, 0.5, text);
    }
}

rncl_status rncl_plot_confusion(const char *path, const uint64_t *counts, int classes,
                                const char *const *labels)
{
    const bool named = classes <= MOST_NAMED;
    matrix m = {.counts = counts,
                .classes = classes,
                .labels = labels,
                .cell = fmax(named ? 42 : 2, 340.0 / classes),
                .named = named};
    const double names = named ? widest_name(m) + GAP : 0;
    m.left = AXIS + names + GAP;
    m.top = TITLE + AXIS + names;
    const double side = classes * m.cell;
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, m.left + side + BAR, m.top + side + 30, named ? 2 : 1, &canvas));
    m.cairo = canvas.cairo;
    cairo_set_font_size(m.cairo, font_size);
    for (int row = 0; row < classes; row++)
        draw_row(&m, row);
    draw_frame(&m);
    draw_title(&m);
    draw_bar(&m);
    if (named)
        draw_names(&m);
    return rncl_canvas_commit(&canvas);
}

#else

rncl_status rncl_plot_confusion(const char *path, const uint64_t *counts, int classes,
                                const char *const *labels)
{
    (void)counts, (void)classes, (void)labels;
    return rncl_plot_write(path, NULL, 0);
}

#endif
