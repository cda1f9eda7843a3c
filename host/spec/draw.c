/* Draws random sizes. */
#include "draw.h"

int rncl_draw_pick(rncl_random *random, const int *list, size_t count)
{
    return list[rncl_random_below(random, (uint32_t)count)];
}

int rncl_draw_between(rncl_random *random, int least, int most)
{
    return least + (int)rncl_random_below(random, (uint32_t)(most - least + 1));
}

bool rncl_draw_once_in(rncl_random *random, int times)
{
    return rncl_random_below(random, (uint32_t)times) == 0;
}

int rncl_draw_channels(rncl_random *random)
{
    if (rncl_draw_once_in(random, 2))
        return RNCL_DRAW_PICK(random, 8, 16, 16, 32, 48, 64, 96, 128);
    return RNCL_DRAW_PICK(random, 1, 1, 2, 3, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 17, 20, 24, 31, 33, 40, 67);
}

int rncl_draw_extent(rncl_random *random)
{
    return rncl_draw_once_in(random, 6) ? 1 : rncl_draw_between(random, 2, 20);
}
