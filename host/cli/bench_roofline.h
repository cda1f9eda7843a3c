/* `rncl bench --explain`: what a device allows at most, and how far each layer is from it. */
#ifndef RNCL_CLI_BENCH_ROOFLINE_H
#define RNCL_CLI_BENCH_ROOFLINE_H

#include "bench_layers.h"
#include "bench_peak.h"

/* What the measured peaks allow at best for a layer, by the direct method (Williams et al. 2009). */
double rncl_roofline_floor_ms(const rncl_layer_time *layer, const rncl_peak *peak);

/* Prints a row for each layer and pass, in at most 80 columns. */
rncl_status rncl_roofline_print(const rncl_layer_time *layers, size_t count, const rncl_peak *peak);

/* Draws a point for each layer and pass. A layer without products, which only moves data, counts as one
 * multiply-add for each float that it must move: half an operation a byte. Errors as rncl_plot_write. */
rncl_status rncl_roofline_draw(const char *path, const char *device, const rncl_layer_time *layers,
                               size_t count, const rncl_peak *peak);

#endif
