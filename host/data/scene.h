/* One generated picture: a figure on an uneven ground, with sticks lying about. All lengths are in pictures,
 * so that a scene looks the same at any size. */
#ifndef RNCL_DATA_SCENE_H
#define RNCL_DATA_SCENE_H

#include <stdint.h>

#include "random.h"

enum { RNCL_SCENE_CHANNELS = 3, RNCL_SCENE_LATTICE = 6, RNCL_SCENE_STICKS = 4 };

typedef struct rncl_scene_stick {
    float x, y;         /* one end */
    float across, down; /* to the other end */
    float per_squared_length;
    float half_width;
    float colour[RNCL_SCENE_CHANNELS];
} rncl_scene_stick;

typedef struct rncl_scene {
    /* The ground: a plane of colour, a step along a line, blotches, grain. */
    float ground[RNCL_SCENE_CHANNELS], across[RNCL_SCENE_CHANNELS], down[RNCL_SCENE_CHANNELS];
    float step[RNCL_SCENE_CHANNELS], edge_x, edge_y, edge_offset;
    float blotches[RNCL_SCENE_LATTICE][RNCL_SCENE_LATTICE];
    float grain; /* for each step of a byte */
    uint32_t grain_seed;

    rncl_scene_stick sticks[RNCL_SCENE_STICKS];
    int stick_count;

    int figure; /* its number in rncl_figures */
    float variant, x, y, radius;
    float cosine, sine; /* of its turn, divided by the radius */
    float ink[RNCL_SCENE_CHANNELS], ink_across[RNCL_SCENE_CHANNELS];
} rncl_scene;

/* Draws everything but the figure's kind from the stream. */
void rncl_scene_init(rncl_scene *scene, int figure, rncl_random *random);

/* Paints size x size RGB bytes. */
void rncl_scene_paint(const rncl_scene *scene, int size, uint8_t *pixels);

#endif
