/* Pictures of inputs and filters. */
#include "raster.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { RGB = 3 };

rncl_status rncl_raster_create(int width, int height, rncl_raster *out)
{
    const size_t size = (size_t)width * (size_t)height * RGB;
    *out = (rncl_raster){width, height, malloc(size)};
    if (!out->pixels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a picture of %d x %d", width, height);
    memset(out->pixels, 255, size);
    return RNCL_OK;
}

void rncl_raster_fini(rncl_raster *raster)
{
    free(raster->pixels);
    *raster = (rncl_raster){0};
}

rncl_status rncl_raster_png(const rncl_raster *raster, unsigned char **bytes, size_t *size_bytes)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)raster->width,
                       .height = (png_uint_32)raster->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    *bytes = malloc(size);
    if (!*bytes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of PNG", (size_t)size);
    if (!png_image_write_to_memory(&image, *bytes, &size, 0, raster->pixels, 0, NULL)) {
        free(*bytes);
        *bytes = NULL;
        return RNCL_FAIL(RNCL_ERR_FAILURE, "a picture cannot be written as PNG: %s", image.message);
    }
    *size_bytes = size;
    return RNCL_OK;
}

/* `share` of white; black for NaN. */
static unsigned char to_byte(double share)
{
    return share > 0 ? (unsigned char)lround(255 * fmin(share, 1)) : 0;
}

rncl_status rncl_raster_of_input(const float *image, int size, int channels, const float *mean,
                                 const float *std, rncl_raster *out)
{
    RNCL_TRY(rncl_raster_create(size, size, out));
    const size_t pixels = (size_t)size * (size_t)size, depth = (size_t)channels;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < RGB; c++) {
            const size_t from = depth < RGB ? 0 : c;
            out->pixels[i * RGB + c] =
                to_byte((double)image[i * depth + from] * (double)std[from] + (double)mean[from]);
        }
    return RNCL_OK;
}

/* Mean of a square of pixels. */
static unsigned char mean_of(const rncl_raster *raster, int left, int top, int side, int colour)
{
    int sum = 0;
    for (int y = top; y < top + side; y++)
        for (int x = left; x < left + side; x++)
            sum += raster->pixels[((size_t)y * (size_t)raster->width + (size_t)x) * RGB + (size_t)colour];
    return (unsigned char)((sum + side * side / 2) / (side * side));
}

rncl_status rncl_raster_shrink(const rncl_raster *raster, int side, rncl_raster *out)
{
    const int by = (MAX(raster->width, raster->height) + side - 1) / side;
    RNCL_TRY(rncl_raster_create(MAX(raster->width / by, 1), MAX(raster->height / by, 1), out));
    if (raster->width < by || raster->height < by)
        return RNCL_OK;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int c = 0; c < RGB; c++)
                out->pixels[((size_t)y * (size_t)out->width + (size_t)x) * RGB + (size_t)c] =
                    mean_of(raster, x * by, y * by, by, c);
    return RNCL_OK;
}

/* Weights of filter `k`: every count-th from there on. */
static void find_range(const float *filters, size_t weights, size_t count, size_t k, double range[2])
{
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (size_t i = 0; i < weights; i++) {
        range[0] = fmin(range[0], (double)filters[i * count + k]);
        range[1] = fmax(range[1], (double)filters[i * count + k]);
    }
}

/* Where filter k is in the grid, and how large its weights are, in pixels. */
typedef struct tile {
    int left, top, zoom;
} tile;

static void draw_filter(const float *filters, int size, int channels, int count, int k, tile place,
                        rncl_raster *out)
{
    double range[2];
    const int depth = channels < RGB ? 1 : RGB;
    find_range(filters, (size_t)size * (size_t)size * (size_t)channels, (size_t)count, (size_t)k, range);
    const double scale = range[1] > range[0] ? 1 / (range[1] - range[0]) : 0;
    for (int y = 0; y < size * place.zoom; y++)
        for (int x = 0; x < size * place.zoom; x++)
            for (int c = 0; c < RGB; c++) {
                const int weight = ((y / place.zoom * size + x / place.zoom) * channels) + c % depth;
                const double value = (double)filters[(size_t)weight * (size_t)count + (size_t)k];
                const size_t pixel = (size_t)(place.top + y) * (size_t)out->width + (size_t)(place.left + x);
                out->pixels[pixel * RGB + (size_t)c] = to_byte((value - range[0]) * scale);
            }
}

rncl_status rncl_raster_of_filters(const float *filters, int size, int channels, int count, rncl_raster *out)
{
    enum { GAP = 2, TILE = 32 };
    const int across = (int)ceil(sqrt(count)), down = (count + across - 1) / across;
    const int zoom = MAX(1, TILE / size), pitch = size * zoom + GAP;
    RNCL_TRY(rncl_raster_create(across * pitch + GAP, down * pitch + GAP, out));
    for (int k = 0; k < count; k++) {
        const tile place = {GAP + k % across * pitch, GAP + k / across * pitch, zoom};
        draw_filter(filters, size, channels, count, k, place, out);
    }
    return RNCL_OK;
}
