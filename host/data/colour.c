/* Brightness, contrast, saturation, and the lighting of AlexNet. */
#include "colour.h"

#include "util.h"

enum { CHANNELS = 3 };

static uint8_t to_byte(float value)
{
    return (uint8_t)(MIN(MAX(value, 0.0f), 255.0f) + 0.5f);
}

/* Luma as Pillow computes it (ITU-R 601-2). */
static float grey_of(const uint8_t *pixel)
{
    return 0.299f * (float)pixel[0] + 0.587f * (float)pixel[1] + 0.114f * (float)pixel[2];
}

/* Every byte becomes anchor + factor * (byte - anchor). */
static void blend_with(float anchor, float factor, uint8_t *bytes, size_t count)
{
    uint8_t blended[256];
    for (int byte = 0; byte < 256; byte++)
        blended[byte] = to_byte(anchor + factor * ((float)byte - anchor));
    for (size_t i = 0; i < count; i++)
        bytes[i] = blended[bytes[i]];
}

static void change_brightness(float factor, uint8_t *rgb, size_t pixel_count)
{
    blend_with(0, factor, rgb, pixel_count * CHANNELS);
}

/* Away from the mean grey of the picture, or towards it. */
static void change_contrast(float factor, uint8_t *rgb, size_t pixel_count)
{
    double sum = 0;
    for (size_t i = 0; i < pixel_count; i++)
        sum += (double)to_byte(grey_of(rgb + i * CHANNELS));
    blend_with((float)to_byte((float)(sum / (double)pixel_count)), factor, rgb, pixel_count * CHANNELS);
}

/* Away from each pixel's grey, or towards it. */
static void change_saturation(float factor, uint8_t *rgb, size_t pixel_count)
{
    for (uint8_t *pixel = rgb; pixel < rgb + pixel_count * CHANNELS; pixel += CHANNELS) {
        const float grey = (float)to_byte(grey_of(pixel));
        for (int k = 0; k < CHANNELS; k++)
            pixel[k] = to_byte(grey + factor * ((float)pixel[k] - grey));
    }
}

void rncl_colour_jitter_apply(const rncl_colour_jitter *jitter, rncl_random *random, uint8_t *rgb,
                              size_t pixel_count)
{
    const struct {
        void (*change)(float factor, uint8_t *rgb, size_t pixel_count);
        float strength;
    } changes[] = {
        {change_brightness, jitter->brightness},
        {change_contrast, jitter->contrast},
        {change_saturation, jitter->saturation},
    };
    uint32_t order[COUNT(changes)];
    rncl_random_permutation(random, order, COUNT(changes));
    for (size_t i = 0; i < COUNT(changes); i++) {
        const float strength = changes[order[i]].strength, least = MAX(1 - strength, 0.0f);
        if (strength > 0)
            changes[order[i]].change(least + (1 + strength - least) * rncl_random_uniform(random), rgb,
                                     pixel_count);
    }
}

void rncl_lighting_apply(float strength, const float *std, rncl_random *random, float *image,
                         size_t pixel_count)
{
    /* Of ImageNet's training pixels scaled to 0..1, as published with fb.resnet.torch. */
    static const float eigenvalues[CHANNELS] = {0.2175f, 0.0188f, 0.0045f};
    static const float eigenvectors[CHANNELS][CHANNELS] = {
        {-0.5675f, 0.7192f, 0.4009f}, {-0.5808f, -0.0045f, -0.8140f}, {-0.5836f, -0.6948f, 0.4203f}};
    float offset[CHANNELS] = {0};
    for (int component = 0; component < CHANNELS; component++) {
        const float share = strength * rncl_random_normal(random) * eigenvalues[component];
        for (int k = 0; k < CHANNELS; k++)
            offset[k] += share * eigenvectors[k][component] / std[k];
    }
    for (size_t i = 0; i < pixel_count; i++)
        for (int k = 0; k < CHANNELS; k++)
            image[i * CHANNELS + (size_t)k] += offset[k];
}
