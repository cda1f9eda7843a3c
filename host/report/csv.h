/* CSV as RFC 4180 has it. */
#ifndef RNCL_REPORT_CSV_H
#define RNCL_REPORT_CSV_H

#include <stdio.h>

/* One field; in quotes where it has a comma, a quote or a line break in it. */
void rncl_csv_text(FILE *stream, const char *text);

#endif
