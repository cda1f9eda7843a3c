/* Conversions between channels. */
#include "picture.h"

#include <math.h>
#include <string.h>

bool rncl_picture_convertible(int from, int to)
{
    return from == to || from == 1 || to == 1;
}

static void repeat(const uint8_t *grey, uint8_t *to, int channels, size_t pixel_count)
{
    for (size_t i = 0; i < pixel_count; i++)
        memset(to + i * (size_t)channels, grey[i], (size_t)channels);
}

static void average(const uint8_t *from, int channels, uint8_t *grey, size_t pixel_count)
{
    for (size_t i = 0; i < pixel_count; i++) {
        int sum = 0;
        for (int k = 0; k < channels; k++)
            sum += *from++;
        grey[i] = (uint8_t)((sum + channels / 2) / channels);
    }
}

void rncl_picture_convert(const uint8_t *from, int from_channels, uint8_t *to, int to_channels,
                          size_t pixel_count)
{
    if (from_channels == to_channels)
        memcpy(to, from, pixel_count * (size_t)to_channels);
    else if (from_channels == 1)
        repeat(from, to, to_channels, pixel_count);
    else
        average(from, from_channels, to, pixel_count);
}

/* By histogram: sums of whole numbers, which come out the same in any order. */
static void channel_statistics(const uint8_t *values, size_t count, size_t stride, float *mean, float *std)
{
    uint64_t histogram[256] = {0};
    for (size_t i = 0; i < count; i++)
        histogram[values[i * stride]]++;
    double sum = 0, sum_of_squares = 0;
    for (int value = 0; value < 256; value++) {
        const double scaled = value / 255.0;
        sum += scaled * (double)histogram[value];
        sum_of_squares += scaled * scaled * (double)histogram[value];
    }
    const double centre = sum / (double)count;
    const double variance = sum_of_squares / (double)count - centre * centre;
    *mean = (float)centre;
    *std = variance > 1e-12 ? (float)sqrt(variance) : 1.0f;
}

void rncl_picture_statistics(const uint8_t *pixels, size_t pixel_count, int channels, float *mean, float *std)
{
    for (int k = 0; k < channels; k++)
        channel_statistics(pixels + k, pixel_count, (size_t)channels, &mean[k], &std[k]);
}
