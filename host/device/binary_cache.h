/* Compiled programs on disk, under $XDG_CACHE_HOME/rncl. The folder may be deleted at any time; programs
 * are then compiled again. */
#ifndef RNCL_DEVICE_BINARY_CACHE_H
#define RNCL_DEVICE_BINARY_CACHE_H

#include "context.h"

/* Where the cache keeps `name`, whose folder is made if `create`; NULL if there is no place for a cache.
 * Caller frees. */
char *rncl_cache_path(const char *name, bool create);

/* Everything that a binary depends on, as text: platform, device, versions, options, source. Caller frees;
 * NULL when out of memory. */
char *rncl_binary_cache_key(const rncl_device_info *info, const char *options, const char *source);

/* True, with a built program, if the disk has an undamaged binary for the key and the driver accepts it. */
bool rncl_binary_cache_load(rncl_context *context, const char *key, const char *options, cl_program *out);

/* Stores the program's binary; a failure is only logged. Other processes may store the same one at the
 * same time: a file appears whole or not at all. */
void rncl_binary_cache_store(rncl_context *context, const char *key, cl_program program);

#endif
