/* What is wrong with the files of a data set, in the order in which it was found. */
#ifndef RNCL_DATA_DEFECTS_H
#define RNCL_DATA_DEFECTS_H

#include <stddef.h>

#include "status.h"

typedef struct rncl_defect {
    char *path; /* of the file or folder */
    char *text; /* what is wrong with it */
} rncl_defect;

/* Zeroed at first. */
typedef struct rncl_defects {
    rncl_defect *items;
    size_t count;
} rncl_defects;

/* Fails only when out of memory. */
rncl_status rncl_defects_add(rncl_defects *defects, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rncl_defects_fini(rncl_defects *defects);

#endif
