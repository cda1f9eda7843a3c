/* Division of gradients by the scale of their loss. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "reference.h"

void rncl_reference_unscale(size_t count, double factor, size_t parts, double *gradient, double *overflows)
{
    assert(parts > 0);
    for (size_t i = 0; i < parts; i++)
        overflows[i] = 0;
    for (size_t i = 0; i < count; i++) {
        const bool finite = isfinite(gradient[i]);
        overflows[i % parts] += !finite;
        gradient[i] = finite ? factor * gradient[i] : 0;
    }
}
