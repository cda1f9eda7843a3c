/* Programs that were compiled ahead of time, for devices without a compiler: a folder as kernel_folder.h
 * writes it, in which every program has been built. */
#ifndef RNCL_DEVICE_KERNEL_BINARIES_H
#define RNCL_DEVICE_KERNEL_BINARIES_H

#include "context.h"

/* Files of the folder. A program NAME has NAME.cl, its binary NAME.bin in the driver's format, and
 * NAME.built, which says what the binary was built from: the program's identity (program.h), as 16
 * hexadecimal digits. */
#define RNCL_KERNELS_MANIFEST "manifest.json"
enum { RNCL_KERNELS_FORMAT = 1 };

/* From now on all programs of the context come from the folder; nothing is compiled. RNCL_ERR_BUILD if the
 * folder has no manifest that can be read, or is for another device or driver. */
rncl_status rncl_kernel_binaries_use(rncl_context *context, const char *folder);
void rncl_kernel_binaries_close(struct rncl_kernel_binaries *binaries); /* takes NULL */

/* Loads the program of kernels/<stem>.cl with all its options. RNCL_ERR_BUILD says whether it is not in the
 * folder, was not built, was built from other source, or is refused by the driver. */
rncl_status rncl_kernel_binaries_load(rncl_context *context, const char *stem, const char *options,
                                      cl_program *out);

#endif
