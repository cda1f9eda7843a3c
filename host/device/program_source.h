/* The source text of programs, and what identifies it. */
#ifndef RNCL_DEVICE_PROGRAM_SOURCE_H
#define RNCL_DEVICE_PROGRAM_SOURCE_H

#include <stdint.h>

#include "status.h"

/* Hash of the source of kernels/<name>.cl with all that it includes, comments, white space and kernel_abi.h
 * aside: a new operation adds a shape there, and a shape that changes changes the kernels that read it. */
rncl_status rncl_program_source_hash(const char *name, uint64_t *hash);

/* The expanded source of kernels/<stem>.cl. Caller frees. */
rncl_status rncl_program_source(const char *stem, char **out);

/* What a binary is made from, as a number: the code as rncl_program_source_hash sees it, and all options. */
rncl_status rncl_program_identity(const char *stem, const char *options, uint64_t *identity);

#endif
