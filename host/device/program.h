/* Programs: kernel sources with their options, built once per context and kept on disk as binaries. */
#ifndef RNCL_DEVICE_PROGRAM_H
#define RNCL_DEVICE_PROGRAM_H

#include "context.h"

/* Builds kernels/<stem>.cl ("conv/direct_forward") with `options` ("-DC=64 …"), or returns the program
 * built before. Paths in a kernel's #include lines are relative to kernels/, whichever folder the file is
 * in, as with a compiler's -I. The program belongs to the context. The binary is kept under
 * $XDG_CACHE_HOME/rncl, keyed by device, driver, source and options; a damaged file there is ignored and
 * replaced. $RNCL_KERNELS names a folder like kernels/ whose sources are used instead of the embedded
 * ones. RNCL_ERR_BUILD if it does not compile: the context's log gets the driver's log, the message its
 * first error. */
rncl_status rncl_program_build(rncl_context *context, const char *stem, const char *options, cl_program *out);

/* Hash of the source of kernels/<name>.cl with all that it includes, comments, white space and kernel_abi.h
 * aside: a new operation adds a shape there, and a shape that changes changes the kernels that read it. */
rncl_status rncl_program_source_hash(const char *name, uint64_t *hash);

/* The context's own table of programs. */
rncl_status rncl_program_cache_create(struct rncl_program_cache **out);
void rncl_program_cache_destroy(struct rncl_program_cache *cache);

/* Time spent building in this context, and the numbers of programs loaded from disk and compiled. */
typedef struct rncl_program_statistics {
    uint64_t time_ns;
    unsigned from_disk, compiled;
} rncl_program_statistics;

rncl_program_statistics rncl_program_cache_statistics(const rncl_context *context);

#endif
