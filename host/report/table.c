/* Rows are kept as tab-separated lines and split when they are printed. */
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"
#include "util.h"

enum { LONGEST_ROW = 1024, MOST_COLUMNS = 16 };

struct rncl_table {
    const char *alignment;
    char **rows; /* the first holds the headings */
    size_t row_count, row_capacity;
};

static rncl_status add_line(rncl_table *table, const char *line)
{
    if (table->row_count == table->row_capacity) {
        size_t capacity = MAX((size_t)16, 2 * table->row_capacity);
        char **grown = realloc(table->rows, capacity * sizeof *grown);
        if (!grown)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "table of %zu rows", capacity);
        table->rows = grown;
        table->row_capacity = capacity;
    }
    char *copy = strdup(line);
    if (!copy)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "row of a table");
    table->rows[table->row_count++] = copy;
    return RNCL_OK;
}

rncl_status rncl_table_create(const char *headings, const char *alignment, rncl_table **out)
{
    *out = NULL;
    rncl_table *table = calloc(1, sizeof *table);
    if (!table)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "table");
    table->alignment = alignment;
    rncl_status st = add_line(table, headings);
    if (st) {
        rncl_table_destroy(table);
        return st;
    }
    *out = table;
    return RNCL_OK;
}

void rncl_table_destroy(rncl_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->row_count; i++)
        free(table->rows[i]);
    free(table->rows);
    free(table);
}

rncl_status rncl_table_add(rncl_table *table, const char *format, ...)
{
    char line[LONGEST_ROW];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return add_line(table, line);
}

/* Returns the cells of a row one after another; false after the last. */
static bool next_cell(const char **rest, const char **cell, int *length)
{
    if (!*rest)
        return false;
    *cell = *rest;
    *length = (int)strcspn(*cell, "\t");
    *rest = (*cell)[*length] ? *cell + *length + 1 : NULL;
    return true;
}

/* Bytes of `text` that go into a line of `room`: up to a blank, or all that fit if there is none. */
static int fitting_length(const char *text, int length, int room)
{
    if (length <= room)
        return length;
    for (int end = room; end > 0; end--)
        if (text[end] == ' ')
            return end;
    return room;
}

/* The last cell of a row, which begins at column `indent`, in lines of `room`. */
static void print_broken(const char *cell, int length, int indent, int room, FILE *stream)
{
    int part = fitting_length(cell, length, room);
    fprintf(stream, "%.*s", part, cell);
    for (int at = part; at < length; at += part) {
        at += cell[at] == ' ';
        part = fitting_length(cell + at, length - at, room);
        fprintf(stream, "\n%*s%.*s", indent, "", part, cell + at);
    }
}

static void measure(const rncl_table *table, size_t columns, int widths[MOST_COLUMNS])
{
    const char *cell;
    int length;
    for (size_t i = 0; i < table->row_count; i++) {
        const char *rest = table->rows[i];
        for (size_t column = 0; column < columns && next_cell(&rest, &cell, &length); column++)
            widths[column] = MAX(widths[column], length);
    }
}

void rncl_table_print(const rncl_table *table, FILE *stream)
{
    enum { LEAST_ROOM = 20 };
    int widths[MOST_COLUMNS] = {0}, length;
    const size_t columns = MIN(strlen(table->alignment), (size_t)MOST_COLUMNS);
    const int line = (int)rncl_stream_width(stream);
    const char *cell;
    measure(table, columns, widths);
    for (size_t i = 0; i < table->row_count; i++) {
        const char *rest = table->rows[i];
        int indent = 0;
        for (size_t column = 0; column < columns && next_cell(&rest, &cell, &length); column++) {
            const bool right = table->alignment[column] == 'r', last = !rest || column + 1 == columns;
            if (right)
                fprintf(stream, "%*s", widths[column] - length, "");
            if (last && !right)
                print_broken(cell, length, indent, MAX(line - indent, LEAST_ROOM), stream);
            else
                fprintf(stream, "%.*s%*s", length, cell, last ? 0 : 2 + (right ? 0 : widths[column] - length),
                        "");
            indent += widths[column] + 2;
        }
        fputc('\n', stream);
    }
}
