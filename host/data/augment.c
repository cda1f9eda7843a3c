/* Windows, mirrors, normalisation. */
#include "augment.h"

#include <string.h>

static rncl_view draw_none(rncl_random *random)
{
    (void)random;
    return (rncl_view){0};
}

/* He et al. 2015, section 4.2: a random window of the picture padded by 4, mirrored every other time. */
static rncl_view draw_cifar(rncl_random *random)
{
    enum { PAD = 4 };
    int top = (int)rncl_random_below(random, 2 * PAD + 1) - PAD;
    int left = (int)rncl_random_below(random, 2 * PAD + 1) - PAD;
    return (rncl_view){.top = top, .left = left, .flip = rncl_random_below(random, 2) == 1};
}

static rncl_view (*const draws[])(rncl_random *random) = {
    [RNCL_AUGMENT_NONE] = draw_none,
    [RNCL_AUGMENT_CIFAR] = draw_cifar,
    [RNCL_AUGMENT_IMAGENET] = draw_none, /* it is all in the crop */
    [RNCL_AUGMENT_SCALE] = draw_none,
};

rncl_view rncl_augment_draw(rncl_augment augment, rncl_random *random)
{
    return draws[augment](random);
}

void rncl_normalisation_init(rncl_normalisation *normalisation, int channels, const float *mean,
                             const float *std)
{
    for (int k = 0; k < channels; k++)
        for (int byte = 0; byte < 256; byte++)
            normalisation->value[k][byte] = ((float)byte / 255 - mean[k]) / std[k];
}

void rncl_augment_apply(const rncl_view *view, const rncl_normalisation *normalisation, const uint8_t *pixels,
                        int size, int channels, float *out)
{
    for (int i = 0; i < size; i++) {
        int row = i + view->top;
        for (int j = 0; j < size; j++, out += channels) {
            int column = (view->flip ? size - 1 - j : j) + view->left;
            if (row < 0 || row >= size || column < 0 || column >= size) {
                memset(out, 0, (size_t)channels * sizeof *out);
                continue;
            }
            const uint8_t *pixel = pixels + ((size_t)row * (size_t)size + (size_t)column) * (size_t)channels;
            for (int k = 0; k < channels; k++)
                out[k] = normalisation->value[k][pixel[k]];
        }
    }
}
