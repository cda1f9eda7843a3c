/* A grid of dots, into which lines are drawn, and its rows as text. */
#include "text_chart.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "number.h"
#include "util.h"

enum { LABEL_WIDTH = 8, DOTS_ACROSS = 2, DOTS_DOWN = 4 };

typedef struct cell {
    unsigned char dots; /* as in the code of the braille pattern */
    unsigned char series;
} cell;

typedef struct range {
    double least, most;
} range;

struct rncl_text_chart {
    rncl_text_chart_options options;
    size_t columns, rows; /* of cells */
    range x, y;
    cell cells[]; /* [rows][columns] */
};

static const char *const colours[RNCL_TEXT_CHART_MOST_SERIES] = {"\033[36m", "\033[1;32m", "\033[33m",
                                                                 "\033[35m"};

static void include(range *r, double value)
{
    if (!isfinite(value))
        return;
    r->least = fmin(r->least, value);
    r->most = fmax(r->most, value);
}

static void find_ranges(rncl_text_chart *chart)
{
    chart->x = (range){0, 0};
    chart->y = (range){INFINITY, -INFINITY};
    for (size_t i = 0; i < chart->options.series_count; i++) {
        const rncl_text_series *series = &chart->options.series[i];
        for (size_t k = 0; k < series->count; k++) {
            include(&chart->x, series->x[k]);
            include(&chart->y, series->y[k]);
        }
    }
    if (!(chart->x.most > 0))
        chart->x.most = 1;
    if (chart->y.least > chart->y.most)
        chart->y = (range){0, 1};
    else if (chart->y.least == chart->y.most)
        chart->y.most = chart->y.least + fmax(fabs(chart->y.least) * 0.1, 1e-6);
}

/* Dots outside of the grid are left out. */
static void set_dot(rncl_text_chart *chart, long across, long down, size_t series)
{
    static const unsigned char bits[DOTS_DOWN][DOTS_ACROSS] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    if (across < 0 || down < 0)
        return;
    const size_t column = (size_t)across / DOTS_ACROSS, row = (size_t)down / DOTS_DOWN;
    if (column >= chart->columns || row >= chart->rows)
        return;
    cell *c = &chart->cells[row * chart->columns + column];
    c->dots |= bits[down % DOTS_DOWN][across % DOTS_ACROSS];
    c->series = (unsigned char)series;
}

static long place(double value, const range *r, size_t dots)
{
    return lround((value - r->least) / (r->most - r->least) * (double)(dots - 1));
}

/* Dots along the longer side of the segment. */
static void draw_segment(rncl_text_chart *chart, const long from[2], const long to[2], size_t series)
{
    const long across = to[0] - from[0], down = to[1] - from[1];
    const long steps = MAX(MAX(labs(across), labs(down)), 1);
    for (long i = 0; i <= steps; i++) {
        const long x = from[0] + lround((double)(across * i) / (double)steps);
        const long y = from[1] + lround((double)(down * i) / (double)steps);
        set_dot(chart, x, y, series);
        if (chart->options.series[series].bold)
            set_dot(chart, x, y > 0 ? y - 1 : y + 1, series);
    }
}

static void draw_series(rncl_text_chart *chart, size_t index)
{
    const rncl_text_series *series = &chart->options.series[index];
    const size_t across = chart->columns * DOTS_ACROSS, down = chart->rows * DOTS_DOWN;
    long before[2] = {0};
    bool begun = false;
    for (size_t i = 0; i < series->count; i++) {
        if (!isfinite(series->x[i]) || !isfinite(series->y[i]))
            continue;
        const long now[2] = {place(series->x[i], &chart->x, across),
                             (long)down - 1 - place(series->y[i], &chart->y, down)};
        draw_segment(chart, begun ? before : now, now, index);
        memcpy(before, now, sizeof before);
        begun = true;
    }
}

rncl_status rncl_text_chart_create(const rncl_text_chart_options *options, rncl_text_chart **out)
{
    assert(options->width >= 2 * LABEL_WIDTH && options->height >= 4);
    assert(options->series_count <= RNCL_TEXT_CHART_MOST_SERIES);
    const size_t columns = options->width - LABEL_WIDTH, rows = options->height - 2;
    rncl_text_chart *chart = calloc(1, sizeof *chart + columns * rows * sizeof chart->cells[0]);
    *out = chart;
    if (!chart)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a chart of %zu x %zu", options->width, options->height);
    chart->options = *options;
    chart->columns = columns;
    chart->rows = rows;
    find_ranges(chart);
    for (size_t i = 0; i < options->series_count; i++)
        draw_series(chart, i);
    return RNCL_OK;
}

void rncl_text_chart_destroy(rncl_text_chart *chart)
{
    free(chart);
}

/* A number that fits in front of the axis. */
static void write_label(double value, FILE *stream)
{
    char text[32];
    rncl_number_format(text, sizeof text, "%.4g", value);
    fprintf(stream, "%*.*s ", LABEL_WIDTH - 1, LABEL_WIDTH - 1, text);
}

static void write_cell(const rncl_text_chart *chart, const cell *c, FILE *stream)
{
    if (!c->dots) {
        putc(' ', stream);
    } else if (chart->options.ascii) {
        putc(chart->options.series[c->series].bold ? '#' : '.', stream);
    } else {
        const char code[] = {(char)0xe2, (char)(0xa0 | c->dots >> 6), (char)(0x80 | (c->dots & 63)), 0};
        fputs(code, stream);
    }
}

static void write_cells(const rncl_text_chart *chart, size_t row, FILE *stream)
{
    const char *colour = NULL;
    for (size_t i = 0; i < chart->columns; i++) {
        const cell *c = &chart->cells[row * chart->columns + i];
        const char *wanted = c->dots && chart->options.colour ? colours[c->series] : NULL;
        if (wanted != colour)
            fprintf(stream, "%s%s", colour ? "\033[0m" : "", wanted ? wanted : "");
        colour = wanted;
        write_cell(chart, c, stream);
    }
    if (colour)
        fputs("\033[0m", stream);
}

static void write_x_axis(const rncl_text_chart *chart, FILE *stream)
{
    char last[32];
    rncl_number_format(last, sizeof last, "%.7g", chart->x.most);
    fprintf(stream, "%*s0%*.*s", LABEL_WIDTH, "", (int)chart->columns - 1, (int)chart->columns - 1, last);
}

void rncl_text_chart_row(const rncl_text_chart *chart, size_t row, FILE *stream)
{
    const rncl_text_chart_options *options = &chart->options;
    if (row == 0) {
        fprintf(stream, "%*s%-*.*s", LABEL_WIDTH, "", (int)chart->columns, (int)chart->columns,
                options->title);
        return;
    }
    if (row == options->height - 1) {
        write_x_axis(chart, stream);
        return;
    }
    if (row == 1)
        write_label(chart->y.most, stream);
    else if (row == options->height - 2)
        write_label(chart->y.least, stream);
    else
        fprintf(stream, "%*s", LABEL_WIDTH, "");
    write_cells(chart, row - 1, stream);
}

bool rncl_text_has_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return true;
}
