/* The roofline as a table and as a picture. */
#include "bench_roofline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "table.h"
#include "util.h"

/* Operations a byte of a layer without products. */
static const double bare_intensity = 0.5;

enum { FORWARD, BACKWARD, BARE, KINDS };

static const char *const kind_names[KINDS] = {
    [FORWARD] = "products, forward", [BACKWARD] = "products, backward", [BARE] = "no products"};

/* Parts of a step that belong to no layer have no floor. */
static bool is_counted(const rncl_layer_time *layer)
{
    return layer->least_mb > 0 && layer->ms > 0;
}

static double intensity_of(const rncl_layer_time *layer)
{
    return layer->work_gflop > 0 ? 1e3 * layer->work_gflop / layer->least_mb : bare_intensity;
}

static bool is_bound_by_memory(const rncl_layer_time *layer, const rncl_peak *peak)
{
    return layer->work_gflop <= 0 || intensity_of(layer) * peak->bandwidth_gbs < rncl_peak_products(peak);
}

double rncl_roofline_floor_ms(const rncl_layer_time *layer, const rncl_peak *peak)
{
    return MAX(1e3 * layer->work_gflop / rncl_peak_products(peak), layer->least_mb / peak->bandwidth_gbs);
}

rncl_status rncl_roofline_print(const rncl_layer_time *layers, size_t count, const rncl_peak *peak)
{
    rncl_table *table;
    RNCL_TRY(
        rncl_table_create("layer\tpass\tms\tFLOP/B\tGFLOP/s\tGB/s\tbound by\tof roof", "llrrrrlr", &table));
    rncl_status st = RNCL_OK;
    const char *products_by = peak->matrix_gflops > peak->gflops ? "matrix" : "FMA";
    for (size_t i = 0; i < count && !st; i++) {
        const rncl_layer_time *layer = &layers[i];
        char products[48] = "\t";
        if (!is_counted(layer))
            continue;
        if (layer->work_gflop > 0)
            snprintf(products, sizeof products, "%.1f\t%.0f", intensity_of(layer), layer->gflops);
        st = rncl_table_add(table, "%.22s\t%s\t%.2f\t%s\t%.0f\t%s\t%.0f %%", layer->name, layer->pass,
                            layer->ms, products, layer->least_mb / layer->ms,
                            is_bound_by_memory(layer, peak) ? "memory" : products_by,
                            100 * rncl_roofline_floor_ms(layer, peak) / layer->ms);
    }
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    return st;
}

static rncl_roofline_point point_of(const rncl_layer_time *layer)
{
    const double intensity = intensity_of(layer);
    const int kind = layer->work_gflop <= 0 ? BARE : strcmp(layer->pass, "forward") ? BACKWARD : FORWARD;
    return (rncl_roofline_point){
        .intensity = intensity, .gflops = intensity * layer->least_mb / layer->ms, .kind = kind};
}

rncl_status rncl_roofline_draw(const char *path, const char *device, const rncl_layer_time *layers,
                               size_t count, const rncl_peak *peak)
{
    rncl_roofline_point *points = calloc(count, sizeof *points);
    if (!points)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "roofline of %zu layers", count);
    size_t drawn = 0;
    for (size_t i = 0; i < count; i++)
        if (is_counted(&layers[i]))
            points[drawn++] = point_of(&layers[i]);
    const rncl_roofline roofline = {.title = device,
                                    .peak_gflops = rncl_peak_products(peak),
                                    .lower_gflops =
                                        peak->matrix_gflops > 0 ? MIN(peak->gflops, peak->matrix_gflops) : 0,
                                    .bandwidth_gbs = peak->bandwidth_gbs,
                                    .points = points,
                                    .count = drawn,
                                    .kinds = kind_names,
                                    .kind_count = KINDS};
    const rncl_status st = rncl_plot_roofline(path, &roofline);
    free(points);
    return st;
}
