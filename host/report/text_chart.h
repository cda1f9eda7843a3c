/* Line charts in text: two by four dots of Unicode's braille patterns in each character cell. */
#ifndef RNCL_REPORT_TEXT_CHART_H
#define RNCL_REPORT_TEXT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "status.h"

enum { RNCL_TEXT_CHART_MOST_SERIES = 4 };

/* One line. Points whose y is not finite are left out. */
typedef struct rncl_text_series {
    const double *x, *y; /* x ascends */
    size_t count;
    bool bold; /* twice as thick, so that lines differ without colours too */
} rncl_text_series;

typedef struct rncl_text_chart_options {
    const char *title; /* ASCII */
    rncl_text_series series[RNCL_TEXT_CHART_MOST_SERIES];
    size_t series_count;
    size_t width, height; /* columns and rows, with title and axes; at least 16 and 4 */
    bool colour;          /* by escape sequences, a colour for each series */
    bool ascii;           /* for terminals without Unicode: one dot in each cell */
} rncl_text_chart_options;

typedef struct rncl_text_chart rncl_text_chart;

/* x runs from 0 to the last of all points, y over all finite values. RNCL_ERR_MEMORY. */
rncl_status rncl_text_chart_create(const rncl_text_chart_options *options, rncl_text_chart **out);
void rncl_text_chart_destroy(rncl_text_chart *chart); /* takes NULL */

/* Writes row `row`, 0 to height - 1, without a line break: exactly `width` columns. */
void rncl_text_chart_row(const rncl_text_chart *chart, size_t row, FILE *stream);

/* Whether the locale of the environment has Unicode's characters; one that says nothing is taken to. */
bool rncl_text_has_unicode(void);

#endif
