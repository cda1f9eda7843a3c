/* rncl plot --tuning */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json_text.h"
#include "number.h"
#include "plot.h"
#include "plot_files.h"
#include "util.h"

enum { MOST_BARS = 40, MOST_KINDS = 16, TEXT = 48 };

typedef struct tuning {
    rncl_bar *bars;
    char (*texts)[TEXT];
    size_t count;
    const char *kinds[MOST_KINDS]; /* algorithms */
    size_t kind_count;
} tuning;

static int by_time(const void *left, const void *right)
{
    const double a = ((const rncl_bar *)left)->value, b = ((const rncl_bar *)right)->value;
    return (a < b) - (a > b);
}

/* Algorithms that are more than there is room for share the last kind. */
static int kind_of(tuning *t, const char *algorithm)
{
    size_t i = 0;
    while (i < t->kind_count && strcmp(t->kinds[i], algorithm) != 0)
        i++;
    if (i == t->kind_count && i < MOST_KINDS)
        t->kinds[t->kind_count++] = algorithm;
    return (int)MIN(i, (size_t)MOST_KINDS - 1);
}

/* False if the entry is none of a tuning file. */
static bool read_bar(const json_t *entry, rncl_bar *bar, const char **algorithm)
{
    const json_t *time = json_object_get(entry, "time_ns"), *preset = json_object_get(entry, "preset_ns");
    bar->label = json_string_value(json_object_get(entry, "problem"));
    *algorithm = json_string_value(json_object_get(entry, "algorithm"));
    if (!bar->label || !*algorithm || !json_is_integer(time))
        return false;
    if (!**algorithm)
        *algorithm = "the only algorithm";
    bar->value = (double)json_integer_value(time) / 1e6;
    bar->before = json_is_integer(preset) ? (double)json_integer_value(preset) / 1e6 : NAN;
    return bar->value >= 0;
}

/* Bars by time, the longest first; the shorter ones are dropped before kinds are given. */
static rncl_status read_results(const char *path, const json_t *results, tuning *t)
{
    const size_t count = json_array_size(results);
    t->bars = calloc(count + 1, sizeof *t->bars);
    t->texts = calloc(MOST_BARS, sizeof *t->texts);
    if (!t->bars || !t->texts)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: %zu results", path, count);
    for (size_t i = 0; i < count; i++) {
        const char *algorithm;
        if (!read_bar(json_array_get(results, i), &t->bars[t->count], &algorithm))
            continue; /* one that failed, say */
        t->bars[t->count++].text = algorithm;
    }
    if (!t->count)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: no tuning results in it", path);
    qsort(t->bars, t->count, sizeof *t->bars, by_time);
    for (size_t i = 0; i < MIN(t->count, (size_t)MOST_BARS); i++) {
        rncl_bar *bar = &t->bars[i];
        bar->kind = kind_of(t, bar->text);
        if (bar->before > bar->value)
            rncl_number_format(t->texts[i], TEXT, "%.2f ms, %.2f times as fast", bar->value,
                               bar->before / bar->value);
        else
            rncl_number_format(t->texts[i], TEXT, "%.2f ms", bar->value);
        bar->text = t->texts[i];
    }
    return RNCL_OK;
}

static rncl_status draw(const char *path, const json_t *file, const char *out)
{
    tuning t = {0};
    char title[256];
    const char *device = json_string_value(json_object_get(file, "device"));
    rncl_status st = read_results(path, json_object_get(file, "results"), &t);
    if (!st) {
        const size_t shown = MIN(t.count, (size_t)MOST_BARS);
        if (shown < t.count)
            snprintf(title, sizeof title, "%.120s: the %zu of %zu tuned passes that take longest",
                     device ? device : path, shown, t.count);
        else
            snprintf(title, sizeof title, "%.120s: %zu tuned passes", device ? device : path, shown);
        const rncl_bar_chart chart = {.title = title,
                                      .x_label = "ms",
                                      .bars = t.bars,
                                      .count = shown,
                                      .kinds = t.kinds,
                                      .kind_count = t.kind_count,
                                      .before_label = "preset"};
        st = rncl_plot_bars(out, &chart);
    }
    free(t.bars);
    free(t.texts);
    return st;
}

rncl_status rncl_plot_tuning(const char *path, const char *out)
{
    rncl_contents contents;
    json_error_t error;
    json_t *file;
    rncl_status st = rncl_file_read(path, &contents);
    if (st == RNCL_ERR_IO)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s", rncl_status_message());
    RNCL_TRY(st);
    st = rncl_json_parse(contents.data ? (const char *)contents.data : "", contents.size_bytes,
                         JSON_REJECT_DUPLICATES, &file, &error);
    rncl_contents_free(&contents);
    if (st == RNCL_ERR_MEMORY)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path);
    else if (json_is_array(json_object_get(file, "results")))
        st = draw(path, file, out);
    else
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: not a file of `rncl tune`", path);
    json_decref(file);
    return st;
}
