/* A confusion matrix as a picture: a row for each true class, a column for each predicted class. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "canvas.h"
#include "number.h"
#include "util.h"

/* With more classes there is no room for names and figures. */
enum { MOST_NAMED = 40 };

typedef struct matrix {
    cairo_t *cairo;
    const uint64_t *counts;
    int classes;
    const char *const *labels;
    double margin, cell;
} matrix;

static void name_of(const matrix *m, int class, char *text, size_t size)
{
    if (m->labels)
        snprintf(text, size, "%.18s", m->labels[class]);
    else
        snprintf(text, size, "%d", class);
}

static void draw_cell(const matrix *m, int row, int column, double share)
{
    double x = m->margin + column * m->cell, y = m->margin + row * m->cell;
    cairo_set_source_rgb(m->cairo, 1 - share, 1 - 0.62 * share, 1 - 0.32 * share);
    cairo_rectangle(m->cairo, x, y, m->cell, m->cell);
    cairo_fill(m->cairo);
    if (m->classes > MOST_NAMED || share < 0.005)
        return;
    char text[16];
    rncl_number_format(text, sizeof text, "%.0f", 100 * share);
    double ink = share > 0.55 ? 1 : 0.15;
    cairo_set_source_rgb(m->cairo, ink, ink, ink);
    rncl_canvas_text(m->cairo, x + m->cell / 2, y + m->cell / 2, 0.5, 0.5, text);
}

static void draw_names(const matrix *m)
{
    char text[32];
    cairo_set_source_rgb(m->cairo, 0.1, 0.1, 0.1);
    for (int i = 0; i < m->classes; i++) {
        double middle = m->margin + (i + 0.5) * m->cell;
        name_of(m, i, text, sizeof text);
        rncl_canvas_text(m->cairo, m->margin - 8, middle, 1, 0.5, text);
        cairo_save(m->cairo);
        cairo_translate(m->cairo, middle, m->margin - 8);
        cairo_rotate(m->cairo, -acos(-1) / 2);
        rncl_canvas_text(m->cairo, 0, 0, 0, 0.5, text);
        cairo_restore(m->cairo);
    }
}

rncl_status rncl_plot_confusion(const char *path, const uint64_t *counts, int classes,
                                const char *const *labels)
{
    const bool named = classes <= MOST_NAMED;
    matrix m = {.counts = counts, .classes = classes, .labels = labels, .margin = named ? 150 : 20};
    m.cell = fmax(named ? 34 : 2, 340.0 / classes);
    double side = m.margin + classes * m.cell + 20;
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, side, side, named ? 2 : 1, &canvas));
    m.cairo = canvas.cairo;
    cairo_set_font_size(m.cairo, 12);
    for (int row = 0; row < classes; row++) {
        double total = 0;
        for (int column = 0; column < classes; column++)
            total += (double)counts[row * classes + column];
        for (int column = 0; column < classes; column++)
            draw_cell(&m, row, column, total > 0 ? (double)counts[row * classes + column] / total : 0);
    }
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
