/* The last step of a picture into its batch: which window of it, mirrored or not, as normalised floats. */
#ifndef RNCL_DATA_AUGMENT_H
#define RNCL_DATA_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "loader.h"
#include "random.h"

/* What augmentation does to one picture. */
typedef struct rncl_view {
    int top, left; /* of the window in the picture, in pixels; the window is as large and may reach outside */
    bool flip;     /* left to right, after the window is taken */
} rncl_view;

/* Draws from `random` what a kind of augmentation does. */
rncl_view rncl_augment_draw(rncl_augment augment, rncl_random *random);

/* A byte's normalised value in each channel. */
typedef struct rncl_normalisation {
    float value[4][256];
} rncl_normalisation;

void rncl_normalisation_init(rncl_normalisation *normalisation, int channels, const float *mean,
                             const float *std);

/* Writes the view of a size x size picture as size x size floats; zeros, the mean colour, where it reaches
 * outside. */
void rncl_augment_apply(const rncl_view *view, const rncl_normalisation *normalisation, const uint8_t *pixels,
                        int size, int channels, float *out);

#endif
