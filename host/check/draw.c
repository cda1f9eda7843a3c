/* Random sizes. */
#include "draw.h"

int check_pick(rncl_random *random, const int *list, size_t count)
{
    return list[rncl_random_below(random, (uint32_t)count)];
}

int check_between(rncl_random *random, int least, int most)
{
    return least + (int)rncl_random_below(random, (uint32_t)(most - least + 1));
}

bool check_once_in(rncl_random *random, int times)
{
    return rncl_random_below(random, (uint32_t)times) == 0;
}

int check_channels(rncl_random *random)
{
    if (check_once_in(random, 2))
        return CHECK_PICK(random, 8, 16, 16, 32, 48, 64, 96, 128);
    return CHECK_PICK(random, 1, 1, 2, 3, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 17, 20, 24, 31, 33, 40, 67);
}

int check_extent(rncl_random *random)
{
    return check_once_in(random, 6) ? 1 : check_between(random, 2, 20);
}
