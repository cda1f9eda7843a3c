/* IDX files (yann.lecun.com/exdb/mnist): arrays of unsigned bytes with big-endian sizes before them, plain or
 * gzipped. */
#ifndef RNCL_DATA_IDX_FILE_H
#define RNCL_DATA_IDX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

enum { RNCL_IDX_DIMENSIONS = 3 };

/* One file in memory. */
typedef struct rncl_idx_array {
    char *path;                         /* as found, for messages */
    uint32_t size[RNCL_IDX_DIMENSIONS]; /* the outermost first; 1 beyond the file's dimensions */
    uint8_t *bytes;
} rncl_idx_array;

/* Whether folder/name is there: plain or with .gz, with -idx or .idx in its name, in the folder or its `raw`.
 */
bool rncl_idx_exists(const char *folder, const char *name);

/* Reads the file, in the first of these forms that is there, whole. RNCL_ERR_DATA, naming the file, if there
 * is neither, if it is not an array of unsigned bytes of that many dimensions, or if it is shorter, longer or
 * damaged. */
rncl_status rncl_idx_read(const char *folder, const char *name, int dimensions, rncl_idx_array *out);

/* Harmless on a zeroed one. */
void rncl_idx_free(rncl_idx_array *array);

#endif
