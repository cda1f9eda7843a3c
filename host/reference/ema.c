/* Exponential moving averages. */
#include "reference.h"

void rncl_reference_ema(size_t count, double share, const double *value, double *average)
{
    for (size_t i = 0; i < count; i++)
        average[i] += share * (value[i] - average[i]);
}
