/* Rows of CSV, appended and flushed; cut back when a run resumes. */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"
#include "util.h"

/* Each of the two files, and where its rows say which step they belong to. */
typedef struct layout {
    const char *name, *header;
    int step_column;
} layout;

static const layout evaluations_layout = {
    "metrics.csv",
    "epoch,step,images,lr,train_loss,train_top1,val_loss,val_top1,val_top5,images_per_second,seconds\n", 1};
static const layout steps_layout = {"steps.csv", "step,loss,lr\n", 0};

/* The step of a row; -1 if it has none. */
static int64_t step_of(const char *row, size_t length, int column)
{
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int)MIN(length, sizeof text - 1), row);
    const char *field = text;
    for (int i = 0; field && i < column; i++) {
        field = strchr(field, ',');
        field = field ? field + 1 : NULL;
    }
    char *end = NULL;
    const long long step = field ? strtoll(field, &end, 10) : -1;
    return end && end != field ? step : -1;
}

/* The bytes of the header and of all whole rows up to `step`. Rows stand in the order of their steps. */
static size_t length_to_keep(const layout *l, const char *text, size_t size, int64_t step)
{
    size_t kept = strlen(l->header);
    while (kept < size) {
        const char *end = memchr(text + kept, '\n', size - kept);
        if (!end)
            break;
        const size_t length = (size_t)(end + 1 - (text + kept));
        const int64_t found = step_of(text + kept, length, l->step_column);
        if (found < 0 || found > step)
            break;
        kept += length;
    }
    return kept;
}

static rncl_status cut_back(const layout *l, const char *path, int64_t step)
{
    rncl_mapping old;
    RNCL_TRY(rncl_file_map(path, &old));
    const char *text = (const char *)old.data;
    const size_t header = strlen(l->header);
    rncl_status st = RNCL_OK;
    if (old.size_bytes < header || memcmp(text, l->header, header) != 0) {
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: its first line is not %.*s; move the file away", path,
                       (int)header - 1, l->header);
    } else {
        const size_t kept = length_to_keep(l, text, old.size_bytes, step);
        if (kept < old.size_bytes)
            st = rncl_file_write(path, text, kept);
    }
    rncl_file_unmap(&old);
    return st;
}

static rncl_status open_file(const layout *l, const char *folder, int64_t step, char **path, FILE **out)
{
    *path = rncl_path_join(folder, l->name);
    if (!*path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", l->name);
    RNCL_TRY(rncl_file_exists(*path) ? cut_back(l, *path, step)
                                     : rncl_file_write(*path, l->header, strlen(l->header)));
    *out = fopen(*path, "ae");
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", *path, strerror(errno));
}

rncl_status rncl_metrics_open(const char *folder, int64_t step, rncl_metrics *out)
{
    *out = (rncl_metrics){0};
    rncl_status st = open_file(&evaluations_layout, folder, step, &out->evaluations_path, &out->evaluations);
    if (!st)
        st = open_file(&steps_layout, folder, step, &out->steps_path, &out->steps);
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
