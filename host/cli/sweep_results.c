/* sweep.csv. */
#include "sweep_results.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "file.h"
#include "number.h"
#include "util.h"

static const char header[] = "run,result,steps,seconds,val_loss,val_top1,best_top1\n";

/* ---- reading ---- */

/* The fields behind the name and the result; false if they are not those numbers. */
static bool read_numbers(char *rest, rncl_sweep_result *row)
{
    double steps;
    const struct {
        const char *name;
        double *value;
    } fields[] = {{"steps", &steps},
                  {"seconds", &row->seconds},
                  {"val_loss", &row->val_loss},
                  {"val_top1", &row->val_top1},
                  {"best_top1", &row->best_top1}};
    for (size_t i = 0; i < COUNT(fields); i++) {
        const char *text = strsep(&rest, ",");
        if (!text || !rncl_columns_field(fields[i].name, text, fields[i].value))
            return false;
    }
    if (rest || !(steps <= 9e15) || steps != floor(steps))
        return false;
    row->steps = (int64_t)steps;
    return true;
}

static bool read_row(char *line, rncl_sweep_result *row)
{
    *row = (rncl_sweep_result){0};
    char *end = strchr(line, '\n'); /* the file is written whole */
    if (!end)
        return false;
    *end = '\0';
    const char *name = strsep(&line, ","), *result = strsep(&line, ",");
    if (!result || snprintf(row->name, sizeof row->name, "%s", name) >= (int)sizeof row->name)
        return false;
    row->diverged = !strcmp(result, "diverged");
    return (row->diverged || !strcmp(result, "done")) && read_numbers(line, row);
}

static rncl_status append(rncl_sweep_results *results, const rncl_sweep_result *row)
{
    rncl_sweep_result *grown = realloc(results->rows, (results->count + 1) * sizeof *grown);
    if (!grown)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu runs", results->count + 1);
    results->rows = grown;
    results->rows[results->count++] = *row;
    return RNCL_OK;
}

static rncl_status unread(const char *path)
{
    return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
}

static rncl_status read_stream(FILE *stream, const char *path, rncl_sweep_results *out)
{
    char line[1024];
    if (!fgets(line, sizeof line, stream) && ferror(stream))
        return unread(path);
    if (feof(stream) || strcmp(line, header) != 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: not the file of a sweep", path);
    while (fgets(line, sizeof line, stream)) {
        rncl_sweep_result row;
        if (!read_row(line, &row))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s:%zu: this row is damaged", path, out->count + 2);
        RNCL_TRY(append(out, &row));
    }
    return ferror(stream) ? unread(path) : RNCL_OK;
}

rncl_status rncl_sweep_results_read(const char *path, rncl_sweep_results *out)
{
    *out = (rncl_sweep_results){0};
    FILE *stream = fopen(path, "r");
    if (!stream && errno == ENOENT)
        return RNCL_OK;
    if (!stream)
        return unread(path);
    const rncl_status st = read_stream(stream, path, out);
    fclose(stream);
    return st;
}

void rncl_sweep_results_fini(rncl_sweep_results *results)
{
    free(results->rows);
    *results = (rncl_sweep_results){0};
}

const rncl_sweep_result *rncl_sweep_results_find(const rncl_sweep_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (!strcmp(results->rows[i].name, name))
            return &results->rows[i];
    return NULL;
}

/* ---- writing ---- */

static void write_number(FILE *stream, double value, const char *end)
{
    if (isfinite(value))
        rncl_number_print(stream, "%.9g", value);
    fputs(end, stream);
}

rncl_status rncl_sweep_results_add(rncl_sweep_results *results, const rncl_sweep_result *row,
                                   const char *path)
{
    rncl_atomic_file file;
    RNCL_TRY(append(results, row));
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    fputs(header, file.stream);
    for (size_t i = 0; i < results->count; i++) {
        const rncl_sweep_result *r = &results->rows[i];
        fprintf(file.stream, "%s,%s,%lld,", r->name, r->diverged ? "diverged" : "done", (long long)r->steps);
        write_number(file.stream, r->seconds, ",");
        write_number(file.stream, r->val_loss, ",");
        write_number(file.stream, r->val_top1, ",");
        write_number(file.stream, r->best_top1, "\n");
    }
    return rncl_atomic_file_commit(&file);
}
