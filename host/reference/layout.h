/* Where values lie in dense tensors. */
#ifndef RNCL_REFERENCE_LAYOUT_H
#define RNCL_REFERENCE_LAYOUT_H

#include <stddef.h>
#include <string.h>

/* Number of values of an [a][b][c][d] tensor. */
static inline size_t count_of(int a, int b, int c, int d)
{
    return (size_t)a * (size_t)b * (size_t)c * (size_t)d;
}

/* Pixel (row, column) of image n, as an index into [n][height][width]. */
static inline size_t pixel_of(int n, int row, int column, int height, int width)
{
    return ((size_t)n * (size_t)height + (size_t)row) * (size_t)width + (size_t)column;
}

/* An [a][b][c][d] tensor of zeros. */
static inline void clear(double *tensor, int a, int b, int c, int d)
{
    memset(tensor, 0, count_of(a, b, c, d) * sizeof *tensor);
}

#endif
