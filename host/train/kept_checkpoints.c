/* Names with steps in them, and which of them go. */
#include "kept_checkpoints.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

static char *path_of(const char *folder, int64_t step)
{
    return rncl_text_format("%s/step-%" PRId64 ".ckpt", folder, step);
}

/* The step in a name; -1 for other files. Names are as path_of writes them: no leading zeros. */
static int64_t step_of(const char *name)
{
    char again[64];
    int64_t step;
    if (sscanf(name, "step-%" SCNd64 ".ckpt", &step) != 1 || step < 0)
        return -1;
    snprintf(again, sizeof again, "step-%" PRId64 ".ckpt", step);
    return strcmp(name, again) ? -1 : step;
}

/* The oldest of them if there are more than `keep`, or one of a later step than `last`; -1: there is none. */
static int64_t find_surplus(DIR *directory, int64_t last, int keep)
{
    int64_t oldest = INT64_MAX;
    int count = 0;
    rewinddir(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        const int64_t found = step_of(entry->d_name);
        if (found > last)
            return found;
        if (found < 0)
            continue;
        oldest = MIN(oldest, found);
        count++;
    }
    return count > keep ? oldest : -1;
}

static void remove_surplus(const char *folder, int64_t last, int keep)
{
    DIR *directory = opendir(folder);
    bool removed = directory != NULL;
    while (removed) {
        const int64_t step = find_surplus(directory, last, keep);
        char *path = step >= 0 ? path_of(folder, step) : NULL;
        removed = path && unlink(path) == 0;
        free(path);
    }
    if (directory)
        closedir(directory);
}

rncl_status rncl_kept_checkpoints_add(const char *folder, const char *last, int64_t step, int keep)
{
    char *path = path_of(folder, step);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for a name in it", folder);
    const rncl_status st = rncl_file_link(last, path);
    free(path);
    RNCL_TRY(st);
    remove_surplus(folder, step, keep);
    return RNCL_OK;
}
