/* How far training is, for people: a live line on a terminal, plain lines elsewhere. Writes to the stream
 * that it is handed and nowhere else. */
#ifndef RNCL_REPORT_METER_H
#define RNCL_REPORT_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the line shows. Percentages are 0..100, shares 0..1. */
typedef struct rncl_meter_reading {
    int64_t step, steps; /* done, in all */
    double epoch, epochs;
    double loss, top1;
    double images_per_second;
    double seconds, seconds_left;
    double waiting; /* share of the time that the device waited for data */
    bool evaluated; /* an evaluation has just ended with these: */
    double val_loss, val_top1, val_top5;
} rncl_meter_reading;

/* The caller's memory; nothing to release. */
typedef struct rncl_meter {
    FILE *stream;
    bool live;             /* the stream is a terminal: one line, drawn over and over */
    bool colour;           /* unless NO_COLOR is set or the terminal cannot */
    bool drawn;            /* a live line stands on the screen, without a newline */
    bool shown;            /* something has been shown at all */
    uint64_t last_time_ns; /* when */
} rncl_meter;

void rncl_meter_init(rncl_meter *meter, FILE *stream);

/* To be called after every step. A terminal is drawn anew a few times a second; elsewhere a line comes at the
 * first step, after every evaluation and every ten seconds. */
void rncl_meter_show(rncl_meter *meter, const rncl_meter_reading *reading);

/* Writes a line of text above the live line. */
void rncl_meter_line(rncl_meter *meter, const char *line);

/* Draws a text as the live line, cut to the width; no more often than a few times a second, and only on a
 * terminal. */
void rncl_meter_status(rncl_meter *meter, const char *text);

/* Takes the live line off the screen. */
void rncl_meter_clear(rncl_meter *meter);

/* The progress line, at most `width` characters wide (escape sequences of the colours not counted): what
 * matters least is left out first. */
void rncl_meter_format(const rncl_meter_reading *reading, size_t width, bool colour, char *text, size_t size);

/* "0:07", "12:34", "1:02:03"; "?" for what is not a time. */
void rncl_meter_duration(double seconds, char *text, size_t size);

#endif
