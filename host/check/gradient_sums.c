/* Adds up the parts of each channel, and dx where the ReLU was open, in double precision. */
#include "gradient_sums.h"

#include <math.h>
#include <stdbool.h>

#include "check.h"
#include "util.h"

size_t check_saved_bytes(size_t rows, size_t c, int signs_width)
{
    const size_t signs = signs_width ? rows * c / (size_t)signs_width : 0;
    return 2 * c * sizeof(float) + rncl_round_up(signs, sizeof(float));
}

/* As the kernel computes it, so that both agree about values near zero. */
static bool is_open(const check_gradient_sums *g, size_t row, size_t channel)
{
    const size_t at = row * g->c + channel, width = (size_t)g->signs_width;
    if (g->relu_y)
        return g->relu_y[at] > 0;
    if (width)
        return ((const unsigned char *)(g->saved + 2 * g->c))[at / width] >> at % width & 1;
    return fmaf((float)g->x[at] - g->saved[channel], g->saved[g->c + channel] * g->weight[channel],
                g->bias[channel]) > 0;
}

double check_gradient_sums_error(const check_gradient_sums *g)
{
    double errors = 0, sizes = 0;
    for (size_t channel = 0; channel < g->c; channel++) {
        double wrong[2] = {0}, size[2] = {0};
        for (size_t row = 0; row < g->rows; row++) {
            const double dz = is_open(g, row, channel) ? g->dx[row * g->c + channel] : 0;
            const double centred = g->x[row * g->c + channel] - (double)g->saved[channel];
            const double terms[] = {dz, dz * centred * (double)g->saved[g->c + channel]};
            for (size_t i = 0; i < COUNT(terms); i++)
                wrong[i] -= terms[i], size[i] += fabs(terms[i]);
        }
        for (size_t part = 0; part < g->parts; part++)
            for (size_t i = 0; i < COUNT(wrong); i++)
                wrong[i] += (double)g->sums[(2 * part + i) * g->c + channel];
        for (size_t i = 0; i < COUNT(wrong); i++)
            errors += wrong[i] * wrong[i], sizes += size[i] * size[i];
    }
    const double error = errors > 0 ? sqrt(errors / sizes) : errors;
    return error < RNCL_CHECK_BROKEN ? error : RNCL_CHECK_BROKEN;
}
