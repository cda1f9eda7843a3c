/* Gradients of a loss that was scaled (Micikevicius et al. 2018, section 3.2): divides them by its scale, and
 * counts those that are not finite. These become 0.
 *
 * Work-item i of RNCL_UNSCALE_PARTS takes the values i, i + RNCL_UNSCALE_PARTS, …
 *
 * n          values
 * factor     1 / scale
 * gradient   [n], in place
 * overflows  [RNCL_UNSCALE_PARTS]: how many of each work-item's values are not finite */
#include "common.clh"

__kernel void unscale_gradients(const int n, const float factor, __global float *restrict gradient,
                                __global int *restrict overflows)
{
    const int part = get_global_id(0);
    int overflown = 0;
    for (size_t i = part; i < (size_t)n; i += RNCL_UNSCALE_PARTS) {
        const float value = gradient[i];
        overflown += !isfinite(value);
        gradient[i] = isfinite(value) ? factor * value : 0.0f;
    }
    overflows[part] = overflown;
}
