/* Random changes of colour, for pictures of three channels (RGB). */
#ifndef RNCL_DATA_COLOUR_H
#define RNCL_DATA_COLOUR_H

#include <stddef.h>
#include <stdint.h>

#include "random.h"

/* torchvision's ColorJitter without hue: each factor is drawn from 1 - strength (at least 0) to 1 + strength;
 * brightness, contrast and saturation follow in random order, each rounded to bytes. */
typedef struct rncl_colour_jitter {
    float brightness, contrast, saturation; /* strengths; 0: leave as it is */
} rncl_colour_jitter;

void rncl_colour_jitter_apply(const rncl_colour_jitter *jitter, rncl_random *random, uint8_t *rgb,
                              size_t pixel_count);

/* Krizhevsky et al. 2012, section 4.1: the principal components of ImageNet's colours, each times its
 * eigenvalue and a normal number of deviation `strength` (theirs: 0.1), are added to all pixels. `image`
 * holds floats normalised by `std`. */
void rncl_lighting_apply(float strength, const float *std, rncl_random *random, float *image,
                         size_t pixel_count);

#endif
