/* Terms are positive where all inputs are, so that the reference itself adds up their absolute values. */
#include "products.h"

#include <math.h>
#include <stdlib.h>

static size_t count_of(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_spec_layout layout = rncl_spec_of(c->desc.kind)->layout(c, slot);
    return rncl_spec_layout_count(&layout);
}

static double *copy_positive(const double *values, size_t count)
{
    double *copy = calloc(count, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = fabs(values[i]);
    return copy;
}

double rncl_products_unit(const rncl_spec_case *c, double *const tensors[RNCL_SLOTS], rncl_slot slot)
{
    double *positive[RNCL_SLOTS] = {NULL}, unit = 0;
    for (rncl_slot s = 0; s < RNCL_SLOTS; s++) {
        if (!tensors[s])
            continue;
        positive[s] = copy_positive(tensors[s], count_of(c, s));
        if (!positive[s])
            unit = INFINITY;
    }
    if (unit == 0)
        rncl_spec_of(c->desc.kind)->reference(c, positive);
    for (size_t i = 0; unit < INFINITY && i < count_of(c, slot); i++)
        unit = fmax(unit, positive[slot][i]);
    for (rncl_slot s = 0; s < RNCL_SLOTS; s++)
        free(positive[s]);
    return unit;
}
