/* Pictures that a data set has more than once. */
#ifndef RNCL_DATA_DUPLICATES_H
#define RNCL_DATA_DUPLICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "defects.h"

/* A file and what its bytes are told by. */
typedef struct rncl_print {
    const char *path;  /* borrowed */
    const char *class; /* borrowed */
    bool validation;   /* of that split, not of training */
    size_t size_bytes;
    uint64_t hash; /* of all bytes */
    size_t place;  /* set by rncl_duplicates_find */
} rncl_print;

/* Takes size and hash from the file. Fails as rncl_file_read does. */
rncl_status rncl_print_take(const char *path, rncl_print *print);

/* Adds a harmless defect for each file with the bytes of one before it, in the order of `prints`, and sorts
 * these. Fails only when out of memory. */
rncl_status rncl_duplicates_find(rncl_print *prints, size_t count, rncl_defects *defects);

#endif
