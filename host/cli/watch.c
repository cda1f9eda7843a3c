/* rncl watch: a dashboard on a terminal, plain lines elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "meter.h"
#include "text_chart.h"
#include "util.h"
#include "watch_panel.h"
#include "watch_screen.h"

enum { LOOK_MS = 500, LEAST_PANEL_COLUMNS = 70 };

typedef struct watch {
    rncl_followed_run *runs;
    size_t count;
    rncl_watch_style style;
} watch;

static rncl_status look(watch *w, bool *changed)
{
    *changed = false;
    for (size_t i = 0; i < w->count; i++) {
        bool one;
        RNCL_TRY(rncl_followed_run_look(&w->runs[i], &one));
        *changed |= one;
    }
    return RNCL_OK;
}

static bool all_over(const watch *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (!rncl_followed_run_is_over(&w->runs[i]))
            return false;
    return true;
}

/* ---- plain lines ---- */

/* A line when a run has been evaluated or its phase has changed, and every ten seconds. */
typedef struct told {
    rncl_run_phase phase;
    size_t evaluations;
    uint64_t time_ns; /* 0: nothing was told */
} told;

static void tell_events(const rncl_followed_run *run, size_t count)
{
    char text[1][RNCL_WATCH_EVENT_LENGTH];
    if (count && rncl_watch_events(run, 1, text))
        printf("%s: %s\n", run->folder, text[0]);
}

static void tell_state(const rncl_followed_run *run)
{
    char text[256] = "";
    if (run->steps.rows)
        rncl_meter_format(&run->progress, sizeof text - 1, false, text, sizeof text);
    printf("%s: %s%s%s\n", run->folder, rncl_watch_phase(run), *text ? "  " : "", text);
}

static void tell(const rncl_followed_run *run, told *t)
{
    static const uint64_t interval_ns = 10000000000;
    const uint64_t now = rncl_time_ns();
    const bool first = !t->time_ns, other = run->phase != t->phase;
    if (run->metrics.rows > t->evaluations || (first && run->metrics.rows))
        tell_events(run, run->metrics.rows);
    if (first || other || (!rncl_followed_run_is_over(run) && now - t->time_ns >= interval_ns)) {
        tell_state(run);
        t->time_ns = now;
    }
    t->phase = run->phase;
    t->evaluations = run->metrics.rows;
}

static rncl_status watch_plainly(watch *w)
{
    told *all = calloc(w->count, sizeof *all);
    if (!all)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", w->count);
    rncl_status st = RNCL_OK;
    for (;;) {
        bool ignored;
        st = look(w, &ignored);
        for (size_t i = 0; i < w->count && !st; i++)
            tell(&w->runs[i], &all[i]);
        fflush(stdout);
        if (st || all_over(w))
            break;
        usleep(1000 * LOOK_MS);
    }
    free(all);
    return st;
}

/* ---- a terminal ---- */

/* Runs side by side where each has room, else one below the other. */
static size_t panels_across(const watch *w, size_t columns)
{
    return MAX(1, MIN(w->count, columns / LEAST_PANEL_COLUMNS));
}

static rncl_status write_panels(rncl_watch_panel **panels, size_t count, size_t height, FILE *stream)
{
    for (size_t row = 0; row < height; row++) {
        for (size_t i = 0; i < count; i++) {
            rncl_watch_panel_row(panels[i], row, i + 1 < count, stream);
            fputs(i + 1 < count ? "  " : "\n", stream);
        }
    }
    return RNCL_OK;
}

/* The panels of one band of runs. */
static rncl_status write_band(const watch *w, size_t first, size_t count, size_t width, size_t height,
                              FILE *stream)
{
    rncl_watch_panel **panels = calloc(count, sizeof *panels);
    rncl_status st = panels ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%zu panels", count);
    for (size_t i = 0; i < count && !st; i++)
        st = rncl_watch_panel_create(&w->runs[first + i], w->style, width, height, &panels[i]);
    if (!st)
        st = write_panels(panels, count, height, stream);
    for (size_t i = 0; panels && i < count; i++)
        rncl_watch_panel_destroy(panels[i]);
    free(panels);
    return st;
}

/* Runs that the screen has no row for are left out. */
static rncl_status write_frame(const watch *w, size_t columns, size_t rows, FILE *stream)
{
    const size_t across = panels_across(w, columns), bands = (w->count + across - 1) / across;
    const size_t height = MAX(rows / bands, 1), width = (columns - 2 * (across - 1)) / across;
    for (size_t band = 0; band < bands && (band + 1) * height <= rows; band++) {
        const size_t first = band * across;
        RNCL_TRY(write_band(w, first, MIN(across, w->count - first), width, height, stream));
    }
    return RNCL_OK;
}

/* A new text. The last row stays free for what the shell prints next, the last column since a terminal that
 * has written there stands between two lines. */
static rncl_status make_frame(const watch *w, char **text)
{
    size_t size, columns, rows;
    rncl_screen_size(&columns, &rows);
    FILE *stream = open_memstream(text, &size);
    if (!stream)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "the screen");
    const rncl_status st = write_frame(w, MAX(columns, 2) - 1, MAX(rows, 2) - 1, stream);
    if (fclose(stream) != 0 && !st)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "the screen");
    return st;
}

static rncl_status draw(const watch *w)
{
    char *text = NULL;
    const rncl_status st = make_frame(w, &text);
    if (!st)
        rncl_screen_show(text);
    free(text);
    return st;
}

/* What was seen last stays in the terminal, without what is empty below it. */
static rncl_status leave_last(const watch *w)
{
    char *text = NULL;
    const rncl_status st = make_frame(w, &text);
    if (!st) {
        size_t length = strlen(text);
        while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
            length--;
        printf("%.*s\n", (int)length, text);
    }
    free(text);
    return st;
}

/* Looks take at most a twentieth of the time, however long the run's files have become. */
static rncl_status watch_on_screen(watch *w)
{
    bool redraw = true;
    for (;;) {
        bool changed;
        const uint64_t start = rncl_time_ns();
        RNCL_TRY(look(w, &changed));
        if (changed || redraw)
            RNCL_TRY(draw(w));
        if (all_over(w))
            return RNCL_OK;
        const uint64_t taken_ms = (rncl_time_ns() - start) / 1000000;
        const rncl_screen_event event = rncl_screen_wait((int)MIN(MAX(LOOK_MS, 20 * taken_ms), 60000));
        if (event == RNCL_SCREEN_QUIT)
            return RNCL_OK;
        redraw = event == RNCL_SCREEN_REDRAW;
    }
}

static rncl_status watch_runs(watch *w)
{
    rncl_meter meter;
    rncl_meter_init(&meter, stdout);
    w->style = (rncl_watch_style){.colour = meter.colour, .ascii = !rncl_text_has_unicode()};
    bool ignored;
    RNCL_TRY(look(w, &ignored)); /* before the screen is taken: mistakes are told in a line */
    if (!meter.live)
        return watch_plainly(w);
    if (!all_over(w)) {
        RNCL_TRY(rncl_screen_open());
        const rncl_status st = watch_on_screen(w);
        rncl_screen_close();
        RNCL_TRY(st);
    }
    return leave_last(w);
}

rncl_status rncl_watch_run(rncl_options *options)
{
    if (options->argument_count == 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl watch needs run folders, such as runs/mine");
    watch w = {.count = (size_t)options->argument_count};
    w.runs = calloc(w.count, sizeof *w.runs);
    if (!w.runs)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", w.count);
    for (size_t i = 0; i < w.count; i++)
        rncl_followed_run_init(&w.runs[i], options->arguments[i]);
    const rncl_status st = watch_runs(&w);
    for (size_t i = 0; i < w.count; i++)
        rncl_followed_run_fini(&w.runs[i]);
    free(w.runs);
    return st;
}
