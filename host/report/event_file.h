/* Event files, which TensorBoard reads: records of protocol buffers. The only file that knows the messages is
 * event_file.c. RNCL_WITH_EVENTS is defined where rncl is built with protobuf-c; there are no such functions
 * elsewhere. */
#ifndef RNCL_REPORT_EVENT_FILE_H
#define RNCL_REPORT_EVENT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "raster.h"
#include "status.h"

typedef struct rncl_event_file rncl_event_file;

/* A new file in `folder`, behind those that are there in the order of names. What they tell of steps from
 * `step` on is void from here on: a run that goes back to an earlier step takes these steps anew.
 * RNCL_ERR_IO. */
rncl_status rncl_event_file_create(const char *folder, int64_t step, rncl_event_file **out);
void rncl_event_file_destroy(rncl_event_file *file); /* takes NULL */

/* Each writes one value; tags are grouped by what is before their first slash. RNCL_ERR_IO, RNCL_ERR_MEMORY.
 */
rncl_status rncl_event_file_number(rncl_event_file *file, int64_t step, const char *tag, double value);
/* Values that are not finite are left out. */
rncl_status rncl_event_file_histogram(rncl_event_file *file, int64_t step, const char *tag,
                                      const float *values, size_t count);
rncl_status rncl_event_file_picture(rncl_event_file *file, int64_t step, const char *tag,
                                    const rncl_raster *picture);
rncl_status rncl_event_file_text(rncl_event_file *file, int64_t step, const char *tag, const char *markdown);

/* Hands what was written to the system, for readers of the file. */
rncl_status rncl_event_file_flush(rncl_event_file *file);

#endif
