/* An axis of a picture: its ends, its ticks, and where a value lies on it. Draws nothing. */
#ifndef RNCL_REPORT_AXIS_H
#define RNCL_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rncl_axis {
    double from, to;    /* values at the ends; above 0 on a logarithmic axis */
    double first, last; /* where the ends lie in the picture, in points */
    double step;        /* between ticks of a linear axis */
    bool logarithmic;
} rncl_axis;

/* From 0 to `most`, which is 1 if it is not above 0; `ticks`: about how many. */
rncl_axis rncl_axis_linear(double most, int ticks);
/* The same, up to a whole tick. */
rncl_axis rncl_axis_rounded(double most, int ticks);

/* From a tick at or below `least`, which is 0 or more, to one at or above `most`. */
rncl_axis rncl_axis_between(double least, double most, int ticks);

/* Round numbers (1, 2 or 5 times a power of ten) around the values, which are above 0. */
rncl_axis rncl_axis_logarithmic(double least, double most);

/* Where a value lies in the picture; beyond the ends for values beyond them. */
double rncl_axis_at(const rncl_axis *axis, double value);

typedef struct rncl_axis_tick {
    double value;
    char text[16]; /* empty: a tick between those that are labelled */
} rncl_axis_tick;

enum { RNCL_AXIS_TICKS = 128 };

/* The axis' ticks in rising order; returns how many there are. */
size_t rncl_axis_ticks(const rncl_axis *axis, rncl_axis_tick ticks[RNCL_AXIS_TICKS]);

#endif
