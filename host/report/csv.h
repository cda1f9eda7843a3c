/* CSV fields as in RFC 4180. */
#ifndef RNCL_REPORT_CSV_H
#define RNCL_REPORT_CSV_H

#include <stdio.h>

/* Writes one field, in quotes if it contains a comma, a quote or a line break. */
void rncl_csv_text(FILE *stream, const char *text);

#endif
