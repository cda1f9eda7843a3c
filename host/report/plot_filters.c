/* Filters as tiles: what the first layer looks for. */
#include "plot.h"

#ifdef RNCL_WITH_CAIRO

#include <math.h>
#include <stdio.h>

#include "canvas.h"

enum { TILE = 42, SPACE = 4, LEFT = 66, TOP = 62, EDGE = 12, COLOURS = 3 };

static const double font_size = 12;

/* A filter and how its weights become shades. */
typedef struct tile {
    const rncl_filter_grid *grid;
    const float *weights;
    float least, most;
    bool coloured;
} tile;

static int columns_of(const rncl_filter_grid *grid)
{
    return (int)fmax(8, ceil(sqrt(grid->count))); /* 8: room for the title */
}

static float weight_at(const tile *t, int channel, int row, int column)
{
    const rncl_filter_grid *g = t->grid;
    return t->weights[(channel * g->rows + row) * g->columns + column];
}

/* Of one colour, or the mean of all channels. */
static float value_at(const tile *t, int colour, int row, int column)
{
    if (t->coloured)
        return weight_at(t, colour, row, column);
    float sum = 0;
    for (int channel = 0; channel < t->grid->channels; channel++)
        sum += weight_at(t, channel, row, column);
    return sum / (float)t->grid->channels;
}

static tile tile_of(const rncl_filter_grid *grid, int index)
{
    tile t = {.grid = grid,
              .weights =
                  grid->weights + (size_t)index * (size_t)(grid->channels * grid->rows * grid->columns),
              .least = INFINITY,
              .most = -INFINITY,
              .coloured = grid->channels == COLOURS};
    for (int colour = 0; colour < (t.coloured ? COLOURS : 1); colour++)
        for (int row = 0; row < grid->rows; row++)
            for (int column = 0; column < grid->columns; column++) {
                const float value = value_at(&t, colour, row, column);
                t.least = fminf(t.least, value);
                t.most = fmaxf(t.most, value);
            }
    return t;
}

/* A filter whose weights are all the same is grey. */
static double shade_at(const tile *t, int colour, int row, int column)
{
    const float value = value_at(t, colour, row, column);
    return t->most > t->least ? (double)((value - t->least) / (t->most - t->least)) : 0.5;
}

static void draw_tile(cairo_t *cairo, const tile *t, double x, double y)
{
    const double width = (double)TILE / t->grid->columns, height = (double)TILE / t->grid->rows;
    cairo_save(cairo);
    cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE); /* no seams between squares */
    for (int row = 0; row < t->grid->rows; row++)
        for (int column = 0; column < t->grid->columns; column++) {
            const double red = shade_at(t, 0, row, column);
            cairo_set_source_rgb(cairo, red, t->coloured ? shade_at(t, 1, row, column) : red,
                                 t->coloured ? shade_at(t, 2, row, column) : red);
            cairo_rectangle(cairo, x + column * width, y + row * height, width, height);
            cairo_fill(cairo);
        }
    cairo_restore(cairo);
}

static void draw_numbers(cairo_t *cairo, int columns, int rows)
{
    char text[16];
    rncl_canvas_ink(cairo);
    for (int column = 0; column < columns; column++) {
        snprintf(text, sizeof text, "+%d", column);
        rncl_canvas_label(cairo, LEFT + column * (TILE + SPACE) + TILE / 2.0, TOP - 10, 0.5, text);
    }
    for (int row = 0; row < rows; row++) {
        snprintf(text, sizeof text, "%d", row * columns);
        rncl_canvas_label(cairo, LEFT - 8, TOP + row * (TILE + SPACE) + TILE / 2.0, 1, text);
    }
    rncl_canvas_upwards(cairo, EDGE, TOP + rows * (TILE + SPACE) / 2.0, 0.5, 0, "filter");
}

rncl_status rncl_plot_filters(const char *path, const rncl_filter_grid *grid)
{
    const int columns = columns_of(grid), rows = (grid->count + columns - 1) / columns;
    const double width = LEFT + columns * (TILE + SPACE) + EDGE, height = TOP + rows * (TILE + SPACE) + EDGE;
    rncl_canvas canvas;
    RNCL_TRY(rncl_canvas_create(path, width, height, 2, &canvas));
    cairo_set_font_size(canvas.cairo, font_size);
    draw_numbers(canvas.cairo, columns, rows);
    for (int i = 0; i < grid->count; i++) {
        const tile t = tile_of(grid, i);
        const int row = i / columns, column = i % columns;
        draw_tile(canvas.cairo, &t, LEFT + column * (TILE + SPACE), TOP + row * (TILE + SPACE));
    }
    rncl_canvas_title(canvas.cairo, EDGE, EDGE, width - 2 * EDGE, grid->title);
    return rncl_canvas_commit(&canvas);
}

#else

rncl_status rncl_plot_filters(const char *path, const rncl_filter_grid *grid)
{
    (void)grid;
    return rncl_plot_write(path, NULL, 0);
}

#endif
