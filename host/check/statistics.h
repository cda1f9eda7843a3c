/* Statistics that a forward pass leaves of its result's channels, for batch normalisation. How many rows are
 * in which part is the algorithm's choice, so that what is compared is all parts joined. */
#ifndef RNCL_CHECK_STATISTICS_H
#define RNCL_CHECK_STATISTICS_H

#include <stddef.h>

/* The error of `statistics`, in `parts` parts (kernels/statistics.clh), of y [rows][channels]: the larger one
 * of means and deviations, L2 and relative. RNCL_CHECK_BROKEN where it is not a number, or rows are missing.
 */
double check_statistics_error(const float *statistics, int parts, const double *y, size_t rows,
                              size_t channels);

#endif
