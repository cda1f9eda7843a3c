/* A list that grows. */
#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rncl_status rncl_problems_add(rncl_problems *problems, const char *path, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rncl_problem *items = realloc(problems->items, (problems->count + 1) * sizeof *items);
    if (!items)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the list of problems");
    problems->items = items;
    rncl_problem *problem = &items[problems->count++];
    *problem = (rncl_problem){.path = strdup(path), .text = strdup(text)};
    return problem->path && problem->text ? RNCL_OK
                                          : RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the list of problems");
}

void rncl_problems_fini(rncl_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->items[i].path);
        free(problems->items[i].text);
    }
    free(problems->items);
    *problems = (rncl_problems){0};
}
