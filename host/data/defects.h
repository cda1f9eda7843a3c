/* What is wrong with the files of a data set, in the order in which it was found. */
#ifndef RNCL_DATA_DEFECTS_H
#define RNCL_DATA_DEFECTS_H

#include <stddef.h>

#include "status.h"

/* How bad it is. */
typedef enum rncl_defect_kind {
    RNCL_DEFECT_HARMLESS, /* nobody misses it: an empty folder */
    RNCL_DEFECT_LEFT_OUT, /* training goes on without it: a folder that must not be read */
    RNCL_DEFECT_WRONG,    /* training refuses it unless bad files are skipped */
} rncl_defect_kind;

typedef struct rncl_defect {
    rncl_defect_kind kind;
    char *path; /* of the file or folder */
    char *text; /* what is wrong with it */
} rncl_defect;

/* Zeroed at first. */
typedef struct rncl_defects {
    rncl_defect *items;
    size_t count;
} rncl_defects;

/* Fails only when out of memory. */
rncl_status rncl_defects_add(rncl_defects *defects, rncl_defect_kind kind, const char *path,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* How many are of that kind or worse, and the first of them; NULL: there is none. */
size_t rncl_defects_count(const rncl_defects *defects, rncl_defect_kind least);
const rncl_defect *rncl_defects_first(const rncl_defects *defects, rncl_defect_kind least);

void rncl_defects_fini(rncl_defects *defects);

#endif
