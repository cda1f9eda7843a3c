/* Joins the parts of each channel in double precision. */
#include "statistics.h"

#include <math.h>

#include "check.h"
#include "op.h"
#include "util.h"

/* Of one channel: the mean, and the sum of squared deviations from it. */
typedef struct moments {
    double rows, mean, deviations;
} moments;

/* Parts are joined by the formula of Chan, Golub and LeVeque (1979). */
static moments join(const float *statistics, int parts, size_t channels, size_t channel)
{
    moments m = {0};
    for (int part = 0; part < parts; part++) {
        const float *at =
            statistics + rncl_op_statistics_begin(parts) + (size_t)part * 2 * channels + channel;
        const double rows = (double)statistics[part], distance = (double)at[0] - m.mean, all = m.rows + rows;
        m.deviations += (double)at[channels] + distance * distance * m.rows * rows / all;
        m.mean += distance * rows / all;
        m.rows = all;
    }
    return m;
}

static moments measure(const double *y, size_t rows, size_t channels, size_t channel)
{
    moments m = {.rows = (double)rows};
    for (size_t row = 0; row < rows; row++)
        m.mean += y[row * channels + channel] / m.rows;
    for (size_t row = 0; row < rows; row++) {
        const double distance = y[row * channels + channel] - m.mean;
        m.deviations += distance * distance;
    }
    return m;
}

/* Means are compared with the spread too, of which their errors are. */
double check_statistics_error(const float *statistics, int parts, const double *y, size_t rows,
                              size_t channels)
{
    double mean_error = 0, mean_norm = 0, deviation_error = 0, deviation_norm = 0;
    for (size_t c = 0; c < channels; c++) {
        const moments got = join(statistics, parts, channels, c), want = measure(y, rows, channels, c);
        if (!(fabs(got.rows - want.rows) < 0.5))
            return RNCL_CHECK_BROKEN;
        const double size = want.mean * want.mean + want.deviations;
        mean_error += pow(got.mean - want.mean, 2);
        mean_norm += want.mean * want.mean + want.deviations / want.rows;
        deviation_error += pow(got.deviations - want.deviations, 2);
        deviation_norm += size * size;
    }
    const double errors[] = {mean_error > 0 ? sqrt(mean_error / mean_norm) : mean_error,
                             deviation_error > 0 ? sqrt(deviation_error / deviation_norm) : deviation_error};
    for (size_t i = 0; i < COUNT(errors); i++)
        if (!(errors[i] < RNCL_CHECK_BROKEN))
            return RNCL_CHECK_BROKEN;
    return MAX(errors[0], errors[1]);
}
