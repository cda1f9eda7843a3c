/* Smoothing of noisy curves. */
#ifndef RNCL_REPORT_SMOOTH_H
#define RNCL_REPORT_SMOOTH_H

#include <stddef.h>

/* Replaces values by their exponential moving average over about a `parts`-th of them, corrected for its
 * start. Values that are not finite stay, and are passed over. */
void rncl_smooth(double *values, size_t count, int parts);

#endif
