/* Training progress for people: a live line on a terminal, plain lines elsewhere. Writes only to the given
 * stream. */
#ifndef RNCL_REPORT_METER_H
#define RNCL_REPORT_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rncl/rncl.h"

/* Speeds over less are noise and are not shown. */
#define RNCL_METER_LEAST_SECONDS 1.0

/* The caller's memory; nothing to release. */
typedef struct rncl_meter {
    FILE *stream;
    bool live;             /* the stream is a terminal: one line is redrawn */
    bool colour;           /* unless NO_COLOR is set or the terminal cannot */
    bool drawn;            /* a live line is on the screen, without a newline */
    bool shown;            /* something has been shown at all */
    uint64_t last_time_ns; /* time of the last output; 0: never */
} rncl_meter;

void rncl_meter_init(rncl_meter *meter, FILE *stream);

/* To be called after every step and every evaluation. A terminal is redrawn a few times a second;
 * elsewhere a line is written at the first step, after every evaluation and every ten seconds. */
void rncl_meter_show(rncl_meter *meter, const rncl_progress *progress);

/* Writes a line of text above the live line. On a terminal a line that is too wide is broken between
 * words; the rest is indented to the text after the label, if the line begins with one ("network
 * resnet-18 …"). */
void rncl_meter_line(rncl_meter *meter, const char *line);

/* A passing remark. On a terminal it is drawn as the live line, cut to the width, a few times a second;
 * elsewhere it is a line of its own, at most every ten seconds and not in the first ten. */
void rncl_meter_status(rncl_meter *meter, const char *text);

/* Erases the live line. */
void rncl_meter_clear(rncl_meter *meter);

/* The progress line, or that of an evaluation, at most `width` characters wide (escape sequences of the
 * colours not counted): the least important fields are left out first, and unknown ones (NaN) always. */
void rncl_meter_format(const rncl_progress *progress, size_t width, bool colour, char *text, size_t size);

/* Columns of the stream's terminal; 80 if it is not a terminal or its width is unknown. */
size_t rncl_stream_width(FILE *stream);

/* "0:07", "12:34", "1:02:03"; "?" if it is not a duration. */
void rncl_meter_duration(double seconds, char *text, size_t size);

#endif
