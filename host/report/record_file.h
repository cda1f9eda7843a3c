/* Files of TensorFlow's records, under the name that TensorBoard looks for. */
#ifndef RNCL_REPORT_RECORD_FILE_H
#define RNCL_REPORT_RECORD_FILE_H

#include <stddef.h>

#include "status.h"

typedef struct rncl_record_file rncl_record_file;

/* A new file in the folder, behind those that are there in the order of names. RNCL_ERR_IO. */
rncl_status rncl_record_file_create(const char *folder, rncl_record_file **out);
void rncl_record_file_destroy(rncl_record_file *file); /* takes NULL */

/* RNCL_ERR_IO. */
rncl_status rncl_record_file_write(rncl_record_file *file, const void *data, size_t size_bytes);
rncl_status rncl_record_file_flush(rncl_record_file *file);

#endif
