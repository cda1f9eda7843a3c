/* For tests that build programs by the hundred, most of them for one run. */
#ifndef RNCL_TESTS_BINARIES_H
#define RNCL_TESTS_BINARIES_H

#include <stdio.h>
#include <stdlib.h>

/* Has rncl keep no binaries: PoCL would compile every kernel of a program once more, for work-groups of any
 * size. PoCL's own cache, which XDG_CACHE_HOME would move, stays where it is. Other drivers, which
 * RNCL_TEST_DEVICE chooses, may have none. To be called before the driver is loaded. */
static inline void keep_no_binaries(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[512];
    if (getenv("RNCL_TEST_DEVICE"))
        return;
    if (cache && *cache)
        snprintf(path, sizeof path, "%s/pocl/kcache", cache);
    else
        snprintf(path, sizeof path, "%s/.cache/pocl/kcache", home && *home ? home : "/tmp");
    setenv("POCL_CACHE_DIR", path, 0);
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
}

#endif
