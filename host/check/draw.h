/* Random sizes. */
#ifndef RNCL_CHECK_DRAW_H
#define RNCL_CHECK_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "random.h"

/* One of a list of ints. */
#define CHECK_PICK(random, ...)                                                                              \
    check_pick(random, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
int check_pick(rncl_random *random, const int *list, size_t count);

int check_between(rncl_random *random, int least, int most);

/* True once in `times`. */
bool check_once_in(rncl_random *random, int times);

/* As many channels as fill whole vectors of any width, or as do not. */
int check_channels(rncl_random *random);

/* Height or width of an image. */
int check_extent(rncl_random *random);

#endif
