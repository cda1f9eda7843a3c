/* Lays a run out: two lines of its state, charts side by side or one below the other, events. */
#include "watch_panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"
#include "number.h"
#include "text_chart.h"
#include "util.h"

enum { MOST_EVENTS = 4, MOST_CHARTS = 2, LINE_LENGTH = 512, HEAD_ROWS = 3 };
enum { LEAST_CHART_ROWS = 6, LEAST_CHART_COLUMNS = 34, MOST_CHART_ROWS = 20, GAP = 2 };

struct rncl_watch_panel {
    rncl_watch_style style;
    size_t width, height;
    char head[HEAD_ROWS][LINE_LENGTH];
    rncl_text_chart *charts[MOST_CHARTS];
    size_t chart_count, chart_rows, chart_columns;
    bool beside; /* the second chart is beside the first */
    char events[MOST_EVENTS][RNCL_WATCH_EVENT_LENGTH];
    size_t event_count;
};

const char *rncl_watch_phase(const rncl_followed_run *run)
{
    static const char *const words[] = {[RNCL_RUN_PREPARING] = "preparing",
                                        [RNCL_RUN_TRAINING] = "training",
                                        [RNCL_RUN_FINISHED] = "finished",
                                        [RNCL_RUN_ENDED] = "ended before its last step"};
    return words[run->phase];
}

/* ---- head ---- */

static void write_best(const rncl_followed_run *run, char text[LINE_LENGTH])
{
    const size_t best = rncl_followed_run_best(run);
    size_t length = 0;
    text[0] = '\0';
    if (best < run->metrics.rows)
        length = (size_t)rncl_number_format(text, LINE_LENGTH, "best top-1 %.2f %% at epoch %.4g",
                                            100 - run->metrics.values[RNCL_FOLLOWED_VAL_ERROR][best],
                                            run->metrics.values[RNCL_FOLLOWED_EPOCH][best]);
    if (run->saved_step > 0)
        snprintf(text + length, LINE_LENGTH - length, "%ssaved after step %lld", length ? "  " : "",
                 (long long)run->saved_step);
}

static void write_head(rncl_watch_panel *p, const rncl_followed_run *run)
{
    snprintf(p->head[0], LINE_LENGTH, "%s  %s", run->folder, rncl_watch_phase(run));
    rncl_text_make_plain(p->head[0]);
    if (run->steps.rows)
        rncl_meter_format(&run->progress, p->width, p->style.colour, p->head[1], LINE_LENGTH);
    write_best(run, p->head[2]);
}

/* ---- charts ---- */

static rncl_text_series series_of(const rncl_columns *columns, int x, int y, bool bold)
{
    return (rncl_text_series){
        .x = columns->values[x], .y = columns->values[y], .count = columns->rows, .bold = bold};
}

/* How many charts of what size fit. */
static void choose_charts(rncl_watch_panel *p)
{
    const size_t rows = p->height - MIN(p->height, HEAD_ROWS + p->event_count);
    p->beside = p->width >= 2 * LEAST_CHART_COLUMNS + GAP;
    p->chart_columns = p->beside ? (p->width - GAP) / 2 : p->width;
    if (p->width < LEAST_CHART_COLUMNS || rows < LEAST_CHART_ROWS)
        return;
    p->chart_count = p->beside || rows >= 2 * LEAST_CHART_ROWS ? 2 : 1;
    p->chart_rows = MIN(p->chart_count == 2 && !p->beside ? rows / 2 : rows, MOST_CHART_ROWS);
}

static rncl_status draw_charts(rncl_watch_panel *p, const rncl_followed_run *run)
{
    const rncl_text_chart_options charts[MOST_CHARTS] = {
        {.title = "error % (bold: validation)",
         .series = {series_of(&run->metrics, RNCL_FOLLOWED_STEP, RNCL_FOLLOWED_TRAIN_ERROR, false),
                    series_of(&run->metrics, RNCL_FOLLOWED_STEP, RNCL_FOLLOWED_VAL_ERROR, true)}},
        {.title = "loss (bold: validation)",
         .series = {series_of(&run->steps, RNCL_FOLLOWED_STEPS_STEP, RNCL_FOLLOWED_STEPS_LOSS, false),
                    series_of(&run->metrics, RNCL_FOLLOWED_STEP, RNCL_FOLLOWED_VAL_LOSS, true)}},
    };
    for (size_t i = 0; i < p->chart_count; i++) {
        rncl_text_chart_options chart = charts[i];
        chart.series_count = 2;
        chart.width = p->chart_columns;
        chart.height = p->chart_rows;
        chart.colour = p->style.colour;
        chart.ascii = p->style.ascii;
        RNCL_TRY(rncl_text_chart_create(&chart, &p->charts[i]));
    }
    return RNCL_OK;
}

rncl_status rncl_watch_panel_create(const rncl_followed_run *run, rncl_watch_style style, size_t width,
                                    size_t height, rncl_watch_panel **out)
{
    rncl_watch_panel *p = *out = calloc(1, sizeof *p);
    if (!p)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a panel");
    p->style = style;
    p->width = width;
    p->height = height;
    write_head(p, run);
    if (height > HEAD_ROWS)
        p->event_count = rncl_watch_events(run, MIN(height - HEAD_ROWS, MOST_EVENTS), p->events);
    choose_charts(p);
    const rncl_status st = draw_charts(p, run);
    if (st) {
        rncl_watch_panel_destroy(p);
        *out = NULL;
    }
    return st;
}

void rncl_watch_panel_destroy(rncl_watch_panel *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < MOST_CHARTS; i++)
        rncl_text_chart_destroy(p->charts[i]);
    free(p);
}

/* ---- rows ---- */

/* Columns of the text that fit into `room`, and the bytes that they take; escape sequences take none. */
static size_t fit(const char *text, size_t room, size_t *columns)
{
    size_t length = 0;
    *columns = 0;
    while (text[length]) {
        if (text[length] == '\033') {
            length += strcspn(text + length, "m") + 1;
            continue;
        }
        const bool begins = ((unsigned char)text[length] & 0xc0) != 0x80;
        if (begins && *columns == room)
            break;
        *columns += begins;
        length++;
    }
    return length;
}

static void write_text(const rncl_watch_panel *p, const char *text, bool bold, bool padded, FILE *stream)
{
    size_t columns;
    const size_t length = fit(text, p->width, &columns);
    fprintf(stream, "%s%.*s%s", bold && p->style.colour ? "\033[1m" : "", (int)length, text,
            bold && p->style.colour ? "\033[0m" : "");
    if (padded)
        fprintf(stream, "%*s", (int)(p->width - columns), "");
}

/* False if there is no chart in this row of theirs. */
static bool write_charts(const rncl_watch_panel *p, size_t row, FILE *stream)
{
    if (!p->chart_count || row >= p->chart_rows * (p->beside ? 1 : p->chart_count))
        return false;
    if (!p->beside) {
        rncl_text_chart_row(p->charts[row / p->chart_rows], row % p->chart_rows, stream);
        return true;
    }
    rncl_text_chart_row(p->charts[0], row, stream);
    fprintf(stream, "%*s", (int)(p->width - 2 * p->chart_columns), "");
    rncl_text_chart_row(p->charts[1], row, stream);
    return true;
}

void rncl_watch_panel_row(const rncl_watch_panel *p, size_t row, bool padded, FILE *stream)
{
    if (row < HEAD_ROWS) {
        write_text(p, p->head[row], row == 0, padded, stream);
        return;
    }
    row -= HEAD_ROWS;
    if (write_charts(p, row, stream))
        return;
    row -= p->chart_rows * (p->beside && p->chart_count ? 1 : p->chart_count);
    write_text(p, row < p->event_count ? p->events[row] : "", false, padded, stream);
}
