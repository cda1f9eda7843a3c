/* Rows of CSV, appended and flushed; later rows are cut off when a run resumes. */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"
#include "util.h"

/* Each of the two files, and the column in which its rows say which step they belong to. */
typedef struct layout {
    const char *name, *header;
    int step_column;
} layout;

static const layout evaluations_layout = {
    "metrics.csv",
    "epoch,step,images,lr,train_loss,train_top1,val_loss,val_top1,val_top5,images_per_second,seconds\n", 1};
static const layout steps_layout = {"steps.csv", "step,loss,lr\n", 0};

static int count_commas(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == ',';
    return count;
}

/* The step of a row without its line end; -1 if the row is damaged. */
static int64_t step_of(const layout *l, const char *row, size_t length)
{
    char text[128];
    if (count_commas(row, length) != count_commas(l->header, strlen(l->header)) || memchr(row, '\0', length))
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)MIN(length, sizeof text - 1), row);
    const char *field = text;
    for (int i = 0; field && i < l->step_column; i++) {
        field = strchr(field, ',');
        field = field ? field + 1 : NULL;
    }
    char *end = NULL;
    const long long step = field ? strtoll(field, &end, 10) : -1;
    return end && end != field && *end == ',' ? step : -1;
}

/* A line at `*at` and the next one's place; false at the end, and before a line that does not end. */
static bool next_row(const char *text, size_t size, size_t *at, const char **row, size_t *length)
{
    const char *end = *at < size ? memchr(text + *at, '\n', size - *at) : NULL;
    if (!end)
        return false;
    *row = text + *at;
    *length = (size_t)(end - *row);
    *at += *length + 1;
    return true;
}

/* Where the last row ends that belongs to a step up to `step`. What is before it was there at that step. */
static size_t find_last(const layout *l, const char *text, size_t size, int64_t step)
{
    size_t at = strlen(l->header), last = at, length;
    const char *row;
    while (next_row(text, size, &at, &row, &length)) {
        const int64_t found = step_of(l, row, length);
        if (found >= 0 && found <= step)
            last = at;
    }
    return last;
}

/* Writes to `kept` all but rows of later steps; its size. Steps only go up: a step that is out of order is
 * damage. */
static size_t sift(const layout *l, const char *path, const rncl_contents *old, int64_t step,
                   const rncl_log *log, char *kept)
{
    const char *text = (const char *)old->data, *row;
    const size_t last = find_last(l, text, old->size_bytes, step);
    size_t at = strlen(l->header), size = at, length;
    memcpy(kept, text, at);
    for (int line = 2; next_row(text, old->size_bytes, &at, &row, &length); line++) {
        const int64_t found = step_of(l, row, length);
        if (found > step && at > last)
            continue;
        if (found < 0 || found > step)
            rncl_log_line(log, RNCL_LOG_WARNING, "%s:%d: this row is damaged; it is left as it is", path,
                          line);
        memcpy(kept + size, row, length + 1);
        size += length + 1;
    }
    return size;
}

static rncl_status cut_back(const layout *l, const char *path, const rncl_contents *old, int64_t step,
                            const rncl_log *log)
{
    const size_t header = strlen(l->header);
    if (old->size_bytes < header || memcmp(old->data, l->header, header) != 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: its first line is not %.*s; move the file away", path,
                         (int)header - 1, l->header);
    char *kept = malloc(old->size_bytes);
    if (!kept)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its rows", path);
    const size_t size = sift(l, path, old, step, log, kept);
    const rncl_status st = size < old->size_bytes ? rncl_file_write(path, kept, size) : RNCL_OK;
    free(kept);
    return st;
}

static rncl_status prepare_file(const layout *l, const char *path, int64_t step, const rncl_log *log)
{
    if (!rncl_file_may_exist(path))
        return rncl_file_write(path, l->header, strlen(l->header));
    rncl_contents old;
    RNCL_TRY(rncl_file_read(path, &old));
    const rncl_status st = cut_back(l, path, &old, step, log);
    rncl_contents_free(&old);
    return st;
}

static rncl_status open_file(const layout *l, const char *folder, int64_t step, const rncl_log *log,
                             char **path, FILE **out)
{
    *path = rncl_path_join(folder, l->name);
    if (!*path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", l->name);
    RNCL_TRY(prepare_file(l, *path, step, log));
    *out = fopen(*path, "ae");
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", *path, strerror(errno));
}

rncl_status rncl_metrics_open(const char *folder, int64_t step, const rncl_log *log, rncl_metrics *out)
{
    *out = (rncl_metrics){0};
    rncl_status st =
        open_file(&evaluations_layout, folder, step, log, &out->evaluations_path, &out->evaluations);
    if (!st)
        st = open_file(&steps_layout, folder, step, log, &out->steps_path, &out->steps);
    if (st)
        rncl_metrics_close(out);
    return st;
}

void rncl_metrics_close(rncl_metrics *metrics)
{
    if (metrics->evaluations)
        fclose(metrics->evaluations);
    if (metrics->steps)
        fclose(metrics->steps);
    free(metrics->evaluations_path);
    free(metrics->steps_path);
    *metrics = (rncl_metrics){0};
}

static rncl_status flush(FILE *stream, const char *path)
{
    if (fflush(stream) == 0 && !ferror(stream))
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

/* Losses and results take nine digits; what began as a float on the command line is readable with seven. */
rncl_status rncl_metrics_add(rncl_metrics *metrics, const rncl_metrics_row *row)
{
    rncl_number_print(metrics->evaluations,
                      "%.7g,%" PRId64 ",%" PRId64 ",%.7g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", row->epoch,
                      row->step, row->images, (double)row->lr, row->train_loss, row->train_top1,
                      row->val_loss, row->val_top1, row->val_top5, row->images_per_second, row->seconds);
    return flush(metrics->evaluations, metrics->evaluations_path);
}

rncl_status rncl_metrics_add_step(rncl_metrics *metrics, int64_t step, double loss, float lr)
{
    rncl_number_print(metrics->steps, "%" PRId64 ",%.9g,%.7g\n", step, loss, (double)lr);
    return flush(metrics->steps, metrics->steps_path);
}
