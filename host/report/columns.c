/* Reads CSV files of numbers, in which no field is quoted. */
#include "columns.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"

enum { MOST_FIELDS = 32 };

/* What the numbers of a column can be, by the end of its name; the last row is for all others. */
typedef struct limit {
    const char *ending;
    double least, most;
} limit;

static const limit limits[] = {
    {"step", 0, 9e15}, {"top1", 0, 100}, {"top5", 0, 100}, {"loss", -INFINITY, INFINITY}, {"", 0, INFINITY}};

/* The columns of a file, and which of them are wanted. */
typedef struct layout {
    const char *const *names;
    size_t count;
    size_t fields; /* of a line */
    const limit *limits[MOST_FIELDS];
    int wanted[MOST_FIELDS]; /* the place among the names; -1: none */
    double step;             /* of the last row: steps only go up */
} layout;

void rncl_columns_fini(rncl_columns *columns)
{
    for (size_t i = 0; i < RNCL_COLUMNS_MOST; i++)
        free(columns->values[i]);
    *columns = (rncl_columns){0};
}

static const limit *limit_of(const char *name)
{
    const limit *l = limits;
    for (size_t length = strlen(name);; l++) {
        const size_t ending = strlen(l->ending);
        if (length >= ending && !strcmp(name + length - ending, l->ending))
            return l;
    }
}

/* False if a column is missing. */
static bool read_header(char *line, layout *l)
{
    size_t found = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *rest = line, *name; (name = strsep(&rest, ",")) && l->fields < MOST_FIELDS; l->fields++) {
        l->limits[l->fields] = limit_of(name);
        l->wanted[l->fields] = -1;
        for (size_t i = 0; i < l->count; i++)
            if (!strcmp(name, l->names[i])) {
                l->wanted[l->fields] = (int)i;
                found++;
            }
    }
    return found == l->count;
}

static bool read_field(const char *text, const limit *within, double *value)
{
    char *end;
    *value = NAN;
    if (!*text)
        return true;
    if (text[strspn(text, "0123456789+-.einfa")])
        return false;
    *value = rncl_number_parse(text, &end);
    const bool too_large = isinf(*value) && !strchr(text, 'i');
    return !*end && !too_large && !(*value < within->least) && !(*value > within->most);
}

bool rncl_columns_field(const char *name, const char *text, double *value)
{
    return read_field(text, limit_of(name), value);
}

/* False if the row is damaged. */
static bool read_row(char *line, layout *l, double *values)
{
    size_t field = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *rest = line, *text; (text = strsep(&rest, ",")); field++) {
        double value;
        if (field == l->fields || !read_field(text, l->limits[field], &value))
            return false;
        if (l->limits[field] == limits) {
            if (!(value > l->step) || value != floor(value))
                return false;
            l->step = value;
        }
        if (l->wanted[field] >= 0)
            values[l->wanted[field]] = value;
    }
    return field == l->fields;
}

/* Room doubles whenever the number of rows is a power of two. */
static bool add_row(rncl_columns *columns, size_t count, const double *values)
{
    const size_t rows = columns->rows;
    for (size_t i = 0; i < count; i++) {
        if (!(rows & (rows - 1))) {
            double *grown = realloc(columns->values[i], (rows ? 2 * rows : 1) * sizeof *grown);
            if (!grown)
                return false;
            columns->values[i] = grown;
        }
        columns->values[i][rows] = values[i];
    }
    columns->rows++;
    return true;
}

static rncl_status unread(const char *path)
{
    return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
}

static rncl_status read_stream(FILE *stream, const char *path, layout *l, rncl_columns *out)
{
    char line[1024];
    if (!fgets(line, sizeof line, stream) && ferror(stream))
        return unread(path);
    if (feof(stream) || !read_header(line, l))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: its first line does not name the columns that `rncl train` writes", path);
    while (fgets(line, sizeof line, stream)) {
        double values[RNCL_COLUMNS_MOST] = {0};
        const bool ends = strchr(line, '\n');
        if (!ends && feof(stream))
            break;
        if (!ends || !read_row(line, l, values))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s:%zu: this row is damaged", path, out->rows + 2);
        if (!add_row(out, l->count, values))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its rows", path);
    }
    return ferror(stream) ? unread(path) : RNCL_OK;
}

rncl_status rncl_columns_read(const char *path, const char *const *names, size_t count, rncl_columns *out)
{
    assert(count <= RNCL_COLUMNS_MOST);
    *out = (rncl_columns){0};
    layout l = {.names = names, .count = count, .step = -1};
    if (rncl_file_is_missing(path))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: no such file; a run folder is what `rncl train --out` makes",
                         path);
    FILE *stream;
    RNCL_TRY(rncl_file_open(path, &stream));
    const rncl_status st = read_stream(stream, path, &l, out);
    fclose(stream);
    return st;
}
