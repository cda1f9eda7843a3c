/* Writes the programs of a context into a folder, to be compiled elsewhere and loaded as kernel_binaries.h
 * says: NAME.cl for each, a manifest and a Makefile; also NAME.bin and NAME.built of those that are built. */
#ifndef RNCL_DEVICE_KERNEL_FOLDER_H
#define RNCL_DEVICE_KERNEL_FOLDER_H

#include <inttypes.h>

#include "program.h"

enum { RNCL_KERNELS_NAME = 96 };

/* NAME of a program: its stem, and the first half of its identity. */
rncl_status rncl_kernel_folder_name(const rncl_program_record *program, char name[RNCL_KERNELS_NAME]);

/* Makes the folder if need be. Files that would not change are not touched, so that `make` builds only what
 * is new. */
rncl_status rncl_kernel_folder_write(const rncl_context *context, const char *folder);

#endif
