/* The store's JSON files. */
#ifndef RNCL_TUNE_STORE_FILE_H
#define RNCL_TUNE_STORE_FILE_H

#include <jansson.h>

#include "store.h"

/* The driver and kernels for which a result is valid. */
typedef struct rncl_result_origin {
    char driver[64];  /* version */
    char kernels[20]; /* hash of the sources */
} rncl_result_origin;

/* One line of a file: an entry, or a failed candidate (`why` is not empty). */
typedef struct rncl_store_line {
    rncl_tuned_entry entry;
    rncl_result_origin origin;
    char why[128];
    bool own; /* the user's, not shipped */
} rncl_store_line;

typedef struct rncl_store_lines {
    rncl_store_line *lines;
    size_t count, room;
    size_t foreign; /* files that were for other devices */
} rncl_store_lines;

rncl_status rncl_store_lines_add(rncl_store_lines *lines, const rncl_store_line *line);

/* Appends a file's lines if it is for this device; a file that does not exist has none. RNCL_ERR_DATA if it
 * is damaged. */
rncl_status rncl_store_file_read(const char *path, const rncl_device_info *device, bool own,
                                 rncl_store_lines *lines);

/* Writes the user's own lines, whole or not at all. */
rncl_status rncl_store_file_write(const char *path, const rncl_device_info *device,
                                  const rncl_store_lines *lines);

#endif
