/* A list that grows. */
#include "defects.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rncl_status rncl_defects_add(rncl_defects *defects, rncl_defect_kind kind, const char *path,
                             const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rncl_defect *items = realloc(defects->items, (defects->count + 1) * sizeof *items);
    if (!items)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the list of defects");
    defects->items = items;
    rncl_defect *defect = &items[defects->count++];
    *defect = (rncl_defect){.kind = kind, .path = strdup(path), .text = strdup(text)};
    return defect->path && defect->text ? RNCL_OK
                                        : RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the list of defects");
}

const rncl_defect *rncl_defects_first(const rncl_defects *defects, rncl_defect_kind least)
{
    for (size_t i = 0; i < defects->count; i++)
        if (defects->items[i].kind >= least)
            return &defects->items[i];
    return NULL;
}

size_t rncl_defects_count(const rncl_defects *defects, rncl_defect_kind least)
{
    size_t count = 0;
    for (size_t i = 0; i < defects->count; i++)
        count += defects->items[i].kind >= least;
    return count;
}

void rncl_defects_fini(rncl_defects *defects)
{
    for (size_t i = 0; i < defects->count; i++) {
        free(defects->items[i].path);
        free(defects->items[i].text);
    }
    free(defects->items);
    *defects = (rncl_defects){0};
}
