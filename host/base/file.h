/* Files: read whole, written whole or not at all. */
#ifndef RNCL_BASE_FILE_H
#define RNCL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "status.h"

/* A file in memory. An empty file has data == NULL. */
typedef struct rncl_contents {
    const unsigned char *data;
    size_t size_bytes;
} rncl_contents;

/* Reads the file whole; it is not mapped, since a mapped file that another process cuts short kills the
 * reader with SIGBUS. RNCL_ERR_IO if it cannot be read, is not a regular file (FIFOs are refused without
 * waiting), or is cut meanwhile; RNCL_ERR_MEMORY. */
rncl_status rncl_file_read(const char *path, rncl_contents *out);
void rncl_contents_free(rncl_contents *contents); /* harmless on a zeroed one */

/* A file that appears under its name only when complete and on disk: written beside it under a unique
 * name, synced, renamed. A process that dies in between leaves the old file as it was, and the new one under
 * its unique name until somebody writes the same file again. Symbolic links stay, and what they lead to is
 * replaced. What is no regular file (a device, a FIFO that somebody reads) is written directly. */
typedef struct rncl_atomic_file {
    FILE *stream;           /* write here, in order */
    char *path, *temporary; /* temporary: NULL where it is written directly */
} rncl_atomic_file;

rncl_status rncl_atomic_file_create(const char *path, rncl_atomic_file *out);
/* Syncs and renames; on failure (a full disk, say) the old file stays and RNCL_ERR_IO is returned.
 * Ends the atomic file in either case. */
rncl_status rncl_atomic_file_commit(rncl_atomic_file *file);
/* Removes what was written. Harmless on a zeroed or committed file. */
void rncl_atomic_file_abandon(rncl_atomic_file *file);

/* Before work whose result is to be written there: RNCL_ERR_IO with the message of rncl_atomic_file_create,
 * if that would fail now. What is there stays as it is; special files are not opened. */
rncl_status rncl_file_try(const char *path);

/* Create, write and commit together, for contents that are in memory. */
rncl_status rncl_file_write(const char *path, const void *data, size_t size_bytes);

/* Writes the contents of one file to another. */
rncl_status rncl_file_copy(const char *from, const char *to);

/* Gives a file that is replaced whole, and never written in place, a second name, atomically; where the file
 * system has no hard links, a copy. */
rncl_status rncl_file_link(const char *from, const char *to);

/* mkdir -p. */
rncl_status rncl_directory_create(const char *path);

bool rncl_file_exists(const char *path);
/* True as well where that cannot be seen (no permission, a failing disk): a file must not be replaced because
 * of that, and whoever opens it learns the reason. */
bool rncl_file_may_exist(const char *path);
bool rncl_directory_exists(const char *path);
bool rncl_directory_may_exist(const char *path); /* as above */

/* "folder/name" as a new string; NULL when out of memory. Caller frees. */
char *rncl_path_join(const char *folder, const char *name);

#endif
