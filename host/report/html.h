/* Pieces of a web page that needs no other file. */
#ifndef RNCL_REPORT_HTML_H
#define RNCL_REPORT_HTML_H

#include <stdio.h>

#include "raster.h"
#include "status.h"

void rncl_html_begin(FILE *stream, const char *title);
void rncl_html_end(FILE *stream);

/* Text of any bytes between tags or in quotes. */
void rncl_html_text(FILE *stream, const char *text);

/* Writes the picture in a file of cairo's into the page: an .svg as it is, a .png as a data: URI. `name` is a
 * word that no other picture of the page has: identifiers in the SVG begin with it. */
rncl_status rncl_html_file(FILE *stream, const char *path, const char *name);

/* A picture as a data: URI. */
rncl_status rncl_html_raster(FILE *stream, const rncl_raster *raster);

#endif
