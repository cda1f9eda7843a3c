/* Columns of numbers in the CSV files of a run. */
#ifndef RNCL_REPORT_COLUMNS_H
#define RNCL_REPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

enum { RNCL_COLUMNS_MOST = 8 };

typedef struct rncl_columns {
    double *values[RNCL_COLUMNS_MOST]; /* [rows], in the order of the names; an empty field is NaN */
    size_t rows;
} rncl_columns;

/* Reads the `count` columns that are named, wherever they stand in the file. A last line without a line break
 * is still being written, and is left out. RNCL_ERR_DATA for a file that is missing, and for a row that no
 * run can have written: its fields are not as many as the columns, or one is no number or one that the column
 * cannot have (a negative rate, a share over 100 %), or its step does not come after the row before. The
 * message has the line. RNCL_ERR_IO for a file that cannot be read, RNCL_ERR_MEMORY. `out` is to be freed in
 * any case. */
rncl_status rncl_columns_read(const char *path, const char *const *names, size_t count, rncl_columns *out);
void rncl_columns_fini(rncl_columns *columns); /* harmless on a zeroed one */

/* Reads one field; an empty one is NaN. False for what rncl does not write: other spellings of numbers, and
 * numbers that a column of that name cannot have. */
bool rncl_columns_field(const char *name, const char *text, double *value);

#endif
