/* Columns of numbers in the CSV files of a run. */
#ifndef RNCL_REPORT_COLUMNS_H
#define RNCL_REPORT_COLUMNS_H

#include <stddef.h>

#include "status.h"

enum { RNCL_COLUMNS_MOST = 8 };

typedef struct rncl_columns {
    double *values[RNCL_COLUMNS_MOST]; /* [rows], in the order of the names; an empty field is NaN */
    size_t rows;
} rncl_columns;

/* Reads the `count` columns that are named, wherever they stand in the file. A last line without a line break
 * is still being written, and is left out. RNCL_ERR_DATA for a file that is missing or damaged. `out` is to
 * be freed in any case. */
rncl_status rncl_columns_read(const char *path, const char *const *names, size_t count, rncl_columns *out);
void rncl_columns_fini(rncl_columns *columns); /* harmless on a zeroed one */

#endif
