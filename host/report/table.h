/* Text tables whose columns are as wide as their contents. */
#ifndef RNCL_REPORT_TABLE_H
#define RNCL_REPORT_TABLE_H

#include <stdio.h>

#include "status.h"

typedef struct rncl_table rncl_table;

/* `headings` are separated by tabs; `alignment` has an 'l' or an 'r' for each column and outlives the table.
 */
rncl_status rncl_table_create(const char *headings, const char *alignment, rncl_table **out);
void rncl_table_destroy(rncl_table *table); /* takes NULL */

/* Adds a row, printf style, with tabs between the cells. */
rncl_status rncl_table_add(rncl_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A last column that is aligned left is broken between words where it does not fit into the stream's width.
 */
void rncl_table_print(const rncl_table *table, FILE *stream);

#endif
