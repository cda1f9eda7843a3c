/* Small pictures in memory, and as PNG. */
#ifndef RNCL_REPORT_RASTER_H
#define RNCL_REPORT_RASTER_H

#include <stddef.h>

#include "status.h"

typedef struct rncl_raster {
    int width, height;
    unsigned char *pixels; /* [height][width][3], RGB */
} rncl_raster;

/* A white one. RNCL_ERR_MEMORY. */
rncl_status rncl_raster_create(int width, int height, rncl_raster *out);
void rncl_raster_fini(rncl_raster *raster); /* harmless on a zeroed one */

/* A PNG file as bytes. Caller frees. */
rncl_status rncl_raster_png(const rncl_raster *raster, unsigned char **bytes, size_t *size_bytes);

/* A network's input as a picture: image [size][size][channels], 1 or 3 channels, normalised by mean and std
 * as the loader does it. */
rncl_status rncl_raster_of_input(const float *image, int size, int channels, const float *mean,
                                 const float *std, rncl_raster *out);

/* A copy whose sides are divided by the least whole number that makes both at most `side`: each pixel is the
 * mean of those that it stands for, and what is left over at the edges goes. RNCL_ERR_MEMORY. */
rncl_status rncl_raster_shrink(const rncl_raster *raster, int side, rncl_raster *out);

/* The filters [size][size][channels][count] of a first layer as a grid, each scaled so that its least weight
 * is black and its greatest white. */
rncl_status rncl_raster_of_filters(const float *filters, int size, int channels, int count, rncl_raster *out);

#endif
