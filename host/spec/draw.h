/* Draws random sizes. */
#ifndef RNCL_SPEC_DRAW_H
#define RNCL_SPEC_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "random.h"

/* One of a list of ints. */
#define RNCL_DRAW_PICK(random, ...)                                                                          \
    rncl_draw_pick(random, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
int rncl_draw_pick(rncl_random *random, const int *list, size_t count);

int rncl_draw_between(rncl_random *random, int least, int most);

/* True once in `times`. */
bool rncl_draw_once_in(rncl_random *random, int times);

/* A number of channels: half of the time one that makes whole vectors, else any. */
int rncl_draw_channels(rncl_random *random);

/* A height or width of an image. */
int rncl_draw_extent(rncl_random *random);

#endif
