/* Reads CSV files of numbers, in which no field is quoted. */
#include "columns.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

/* Columns by name, and where they stand in a line. */
typedef struct layout {
    const char *const *names;
    size_t count;
    int places[RNCL_COLUMNS_MOST];
} layout;

void rncl_columns_fini(rncl_columns *columns)
{
    for (size_t i = 0; i < RNCL_COLUMNS_MOST; i++)
        free(columns->values[i]);
    *columns = (rncl_columns){0};
}

/* False if a column is missing. */
static bool read_header(char *line, layout *l)
{
    for (size_t i = 0; i < l->count; i++)
        l->places[i] = -1;
    int place = 0;
    for (char *rest = line, *name; (name = strsep(&rest, ",\n")) && *name; place++)
        for (size_t i = 0; i < l->count; i++)
            if (!strcmp(name, l->names[i]))
                l->places[i] = place;
    for (size_t i = 0; i < l->count; i++)
        if (l->places[i] < 0)
            return false;
    return true;
}

/* False if a column is missing or is no number. */
static bool read_row(char *line, const layout *l, double *values)
{
    size_t found = 0;
    int place = 0;
    for (char *rest = line, *field; (field = strsep(&rest, ",\n")); place++)
        for (size_t i = 0; i < l->count; i++) {
            char *end;
            if (l->places[i] != place)
                continue;
            values[i] = *field ? rncl_number_parse(field, &end) : NAN;
            if (*field && *end)
                return false;
            found++;
        }
    return found == l->count;
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

static rncl_status read_stream(FILE *stream, const char *path, layout *l, rncl_columns *out)
{
    char line[1024];
    if (!fgets(line, sizeof line, stream) || !read_header(line, l))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: its first line does not name the columns that `rncl train` writes", path);
    while (fgets(line, sizeof line, stream) && strchr(line, '\n')) {
        double values[RNCL_COLUMNS_MOST] = {0};
        if (!read_row(line, l, values))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s: row %zu is damaged", path, out->rows + 1);
        if (!add_row(out, l->count, values))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s", path);
    }
    return RNCL_OK;
}

rncl_status rncl_columns_read(const char *path, const char *const *names, size_t count, rncl_columns *out)
{
    assert(count <= RNCL_COLUMNS_MOST);
    *out = (rncl_columns){0};
    layout l = {.names = names, .count = count};
    FILE *stream = fopen(path, "r");
    if (!stream)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: %s; a run folder is what `rncl train --out` makes", path,
                         strerror(errno));
    const rncl_status st = read_stream(stream, path, &l, out);
    fclose(stream);
    return st;
}
