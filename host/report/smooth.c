/* Exponential moving averages. */
#include "smooth.h"

#include <math.h>

void rncl_smooth(double *values, size_t count, int parts)
{
    const double decay = 1 - 1 / (1 + (double)count / parts);
    double sum = 0, weight = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        sum = decay * sum + (1 - decay) * values[i];
        weight = decay * weight + (1 - decay);
        values[i] = sum / weight;
    }
}
