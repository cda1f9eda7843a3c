/* Finds the file that this code was loaded from. */
#include "installation.h"

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

/* Without symbolic links; NULL when it cannot be found. The caller frees. */
static char *own_file(void)
{
    search s = {.address = (uintptr_t)own_file};
    dl_iterate_phdr(look_at, &s);
    return realpath(strchr(s.path, '/') ? s.path : "/proc/self/exe", NULL);
}

char *rncl_installation_find(const char *const *folders, const char *name)
{
    char *own = own_file(), *found = NULL;
    const char *origin = own ? dirname(own) : NULL;
    for (; *folders && !found; folders++) {
        char *path = NULL;
        if (**folders == '/')
            path = rncl_text_format("%s/%s", *folders, name);
        else if (origin)
            path = rncl_text_format("%s/%s/%s", origin, *folders, name);
        if (path && rncl_file_exists(path))
            found = realpath(path, NULL);
        free(path);
    }
    free(own);
    return found;
}
