/* What is wrong with the files of a data set, in the order in which it was found. */
#ifndef RNCL_DATA_PROBLEMS_H
#define RNCL_DATA_PROBLEMS_H

#include <stddef.h>

#include "status.h"

typedef struct rncl_problem {
    char *path; /* of the file or folder */
    char *text; /* what is wrong with it */
} rncl_problem;

/* Zeroed at first. */
typedef struct rncl_problems {
    rncl_problem *items;
    size_t count;
} rncl_problems;

/* Fails only when out of memory. */
rncl_status rncl_problems_add(rncl_problems *problems, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rncl_problems_fini(rncl_problems *problems);

#endif
