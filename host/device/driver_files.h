/* Drivers as they are registered with the OpenCL loader on Linux: .icd files, each with the name of a
 * library. */
#ifndef RNCL_DEVICE_DRIVER_FILES_H
#define RNCL_DEVICE_DRIVER_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

/* The folder that is searched: $OCL_ICD_VENDORS, or /etc/OpenCL/vendors. */
const char *rncl_driver_folder(void);

/* Whether an .icd file is there. */
bool rncl_driver_is_registered(void);

typedef struct rncl_driver_file {
    char name[256];    /* "pocl.icd" */
    char library[256]; /* what it names */
    char loaded[256];  /* the path that it was loaded from, as rncl_device_driver_file gives it */
    char problem[320]; /* why that cannot be loaded; "" if it can */
} rncl_driver_file;

/* Every .icd file of the folder, by name, with its library loaded for a trial. No folder gives an empty list.
 * Release with free. */
rncl_status rncl_driver_files_list(rncl_driver_file **files, size_t *count);

#endif
