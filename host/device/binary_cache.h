/* Compiled programs on disk, under $XDG_CACHE_HOME/rncl. Losing the folder costs time and nothing else. */
#ifndef RNCL_DEVICE_BINARY_CACHE_H
#define RNCL_DEVICE_BINARY_CACHE_H

#include "context.h"

/* Where the cache keeps `name`, whose folder is made if `create`; NULL if there is no place for a cache.
 * Caller frees. */
char *rncl_cache_path(const char *name, bool create);

/* Everything that a binary depends on, as text: platform, device, versions, options, source. Caller frees;
 * NULL when out of memory. */
char *rncl_binary_cache_key(const rncl_device_info *info, const char *options, const char *source);

/* True and a built program if the disk holds a sound binary for the key that the driver accepts. */
bool rncl_binary_cache_load(rncl_context *context, const char *key, const char *options, cl_program *out);

/* Keeps the program's binary; a failure is a remark in the log. Safe beside other processes: a file appears
 * whole. */
void rncl_binary_cache_store(rncl_context *context, const char *key, cl_program program);

#endif
