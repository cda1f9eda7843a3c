/* Pillow's anti-aliased bilinear resize, to the bit: a triangle as wide as the step between results, weights
 * in fixed point, first along rows, then along columns, with 8 bits between the two. */
#include <assert.h>
#include <stdlib.h>

#include "image.h"
#include "picture.h"
#include "util.h"

/* Pillow's PRECISION_BITS: what 8-bit values and their rounding leave of 32. */
enum { WEIGHT_BITS = 32 - 8 - 2 };

/* For each result along one side: the first value it is made of, and the weights of that and those after it.
 */
typedef struct resize_taps {
    uint32_t most; /* weights of a result, rounded up */
    uint32_t *first, *count;
    int32_t *weights; /* [results][most] */
} resize_taps;

static void taps_fini(resize_taps *taps)
{
    free(taps->first);
    free(taps->count);
    free(taps->weights);
}

static double triangle(double x)
{
    x = x < 0 ? -x : x;
    return x < 1 ? 1 - x : 0;
}

/* Result i of `results` over the stretch [start, start + length) of `size` values. */
static void fill_taps(resize_taps *taps, uint32_t i, double start, double step, uint32_t size,
                      double *scratch)
{
    double reach = MAX(step, 1.0), centre = start + ((double)i + 0.5) * step, total = 0;
    int64_t first = MAX((int64_t)(centre - reach + 0.5), 0);
    int64_t end = MIN((int64_t)(centre + reach + 0.5), (int64_t)size);
    uint32_t count = (uint32_t)MAX(end - first, 0);
    for (uint32_t t = 0; t < count; t++) {
        scratch[t] = triangle(((double)t + (double)first - centre + 0.5) / reach);
        total += scratch[t];
    }
    for (uint32_t t = 0; t < count; t++) {
        double weight = total != 0 ? scratch[t] / total : 0;
        taps->weights[(size_t)i * taps->most + t] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
    }
    taps->first[i] = (uint32_t)first;
    taps->count[i] = count;
}

static rncl_status make_taps(double start, double length, uint32_t size, uint32_t results, resize_taps *taps)
{
    double step = length / results;
    *taps = (resize_taps){.most = (uint32_t)(2 * MAX(step, 1.0)) + 3};
    taps->first = calloc(results, sizeof *taps->first);
    taps->count = calloc(results, sizeof *taps->count);
    taps->weights = calloc((size_t)results * taps->most, sizeof *taps->weights);
    double *scratch = calloc(taps->most, sizeof *scratch);
    bool ok = taps->first && taps->count && taps->weights && scratch;
    for (uint32_t i = 0; ok && i < results; i++)
        fill_taps(taps, i, start, step, size, scratch);
    free(scratch);
    return ok ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "resizing to %u pixels", results);
}

static uint8_t clip(int32_t sum)
{
    int32_t value = sum >> WEIGHT_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

typedef void row_resizer(const uint8_t *row, size_t channels, const resize_taps *taps, uint32_t width,
                         uint8_t *out);

static void resize_row(const uint8_t *row, size_t channels, const resize_taps *taps, uint32_t width,
                       uint8_t *out)
{
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *pixel = row + channels * taps->first[x];
        const int32_t *weights = taps->weights + (size_t)x * taps->most;
        for (size_t c = 0; c < channels; c++) {
            int32_t sum = 1 << (WEIGHT_BITS - 1);
            for (uint32_t t = 0; t < taps->count[x]; t++)
                sum += weights[t] * pixel[channels * t + c];
            *out++ = clip(sum);
        }
    }
}

/* The same for three channels, in two thirds of the time: each weight is loaded once. */
static void resize_rgb_row(const uint8_t *row, size_t channels, const resize_taps *taps, uint32_t width,
                           uint8_t *out)
{
    (void)channels;
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *pixel = row + 3 * (size_t)taps->first[x];
        const int32_t *weights = taps->weights + (size_t)x * taps->most;
        int32_t red = 1 << (WEIGHT_BITS - 1), green = red, blue = red;
        for (uint32_t t = 0; t < taps->count[x]; t++) {
            red += weights[t] * pixel[3 * t];
            green += weights[t] * pixel[3 * t + 1];
            blue += weights[t] * pixel[3 * t + 2];
        }
        out[3 * x] = clip(red);
        out[3 * x + 1] = clip(green);
        out[3 * x + 2] = clip(blue);
    }
}

/* One row of results from rows of `bytes` bytes; `sums` is scratch for as many. */
static void resize_column(const uint8_t *rows, size_t bytes, const int32_t *weights, uint32_t count,
                          int32_t *sums, uint8_t *out)
{
    for (size_t i = 0; i < bytes; i++)
        sums[i] = 1 << (WEIGHT_BITS - 1);
    for (uint32_t t = 0; t < count; t++) {
        const uint8_t *row = rows + t * bytes;
        const int32_t weight = weights[t];
        for (size_t i = 0; i < bytes; i++)
            sums[i] += weight * row[i];
    }
    for (size_t i = 0; i < bytes; i++)
        out[i] = clip(sums[i]);
}

typedef struct resize_source {
    const uint8_t *pixels;
    uint32_t height, width;
    size_t channels;
} resize_source;

static rncl_status resize(const resize_source *from, const rncl_window *window, uint32_t height,
                          uint32_t width, uint8_t *to)
{
    assert(height > 0 && width > 0 && window->top < (float)from->height && window->left < (float)from->width);
    resize_taps across = {0}, down = {0};
    uint8_t *narrowed = NULL;
    const size_t bytes = width * from->channels, from_bytes = from->width * from->channels;
    row_resizer *const narrow = from->channels == 3 ? resize_rgb_row : resize_row;
    int32_t *sums = calloc(bytes, sizeof *sums);
    rncl_status st = sums ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "resizing to %u pixels", width);
    if (!st)
        st = make_taps(window->left, window->width, from->width, width, &across);
    if (!st)
        st = make_taps(window->top, window->height, from->height, height, &down);
    if (st)
        goto done;
    /* Only the rows that the second pass reads. */
    uint32_t first = down.first[0], end = down.first[height - 1] + down.count[height - 1];
    narrowed = calloc(end - first, bytes);
    if (!narrowed) {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "resizing to %u x %u pixels", width, height);
        goto done;
    }
    for (uint32_t y = first; y < end; y++)
        narrow(from->pixels + y * from_bytes, from->channels, &across, width, narrowed + (y - first) * bytes);
    for (uint32_t y = 0; y < height; y++)
        resize_column(narrowed + (down.first[y] - first) * bytes, bytes, down.weights + (size_t)y * down.most,
                      down.count[y], sums, to + y * bytes);
done:
    taps_fini(&across);
    taps_fini(&down);
    free(sums);
    free(narrowed);
    return st;
}

rncl_status rncl_image_resize(const rncl_image *from, const rncl_window *window, uint32_t height,
                              uint32_t width, uint8_t *rgb)
{
    const resize_source source = {from->pixels, from->height, from->width, 3};
    return resize(&source, window, height, width, rgb);
}

rncl_status rncl_picture_resize(const uint8_t *from, int height, int width, int channels, uint8_t *to,
                                int to_height, int to_width)
{
    const resize_source source = {from, (uint32_t)height, (uint32_t)width, (size_t)channels};
    const rncl_window all = {.height = (float)height, .width = (float)width};
    return resize(&source, &all, (uint32_t)to_height, (uint32_t)to_width, to);
}
