/* Finds the file that this code was loaded from. */
#include "installation.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

typedef struct search {
    uintptr_t address;
    char path[PATH_MAX]; /* "": the program itself, which has no name here */
} search;

/* One loaded object; non-zero ends the search. */
static int look_at(struct dl_phdr_info *object, size_t size, void *user)
{
    (void)size;
    search *s = user;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const uintptr_t start = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        if (object->dlpi_phdr[i].p_type != PT_LOAD || s->address < start ||
            s->address >= start + object->dlpi_phdr[i].p_memsz)
            continue;
        snprintf(s->path, sizeof s->path, "%s", object->dlpi_name ? object->dlpi_name : "");
        return 1;
    }
    return 0;
}

/* Without symbolic links. The caller frees. */
static rncl_status resolve(const char *path, char **out)
{
    *out = realpath(path, NULL);
    if (*out)
        return RNCL_OK;
    return errno == ENOMEM ? RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path)
                           : RNCL_FAIL(RNCL_ERR_IO, "%s: %s", path, strerror(errno));
}

/* *out: the file of this code; NULL where the system does not say it. */
static rncl_status find_own_file(char **out)
{
    search s = {.address = (uintptr_t)find_own_file};
    dl_iterate_phdr(look_at, &s);
    const char *path = strchr(s.path, '/') ? s.path : "/proc/self/exe";
    *out = NULL;
    return rncl_file_may_exist(path) ? resolve(path, out) : RNCL_OK;
}

static rncl_status find_in(const char *folder, const char *origin, const char *name, char **out)
{
    const bool absolute = *folder == '/';
    if (!absolute && !origin)
        return RNCL_OK;
    char *path = absolute ? rncl_text_format("%s/%s", folder, name)
                          : rncl_text_format("%s/%s/%s", origin, folder, name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", name);
    const rncl_status st = rncl_file_may_exist(path) ? resolve(path, out) : RNCL_OK;
    free(path);
    return st;
}

rncl_status rncl_installation_find(const char *const *folders, const char *name, char **out)
{
    *out = NULL;
    char *own;
    RNCL_TRY(find_own_file(&own));
    const char *origin = own ? dirname(own) : NULL;
    rncl_status st = RNCL_OK;
    for (; *folders && !*out && !st; folders++)
        st = find_in(*folders, origin, name, out);
    free(own);
    return st;
}
