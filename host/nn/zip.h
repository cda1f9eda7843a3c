/* Reading of zip archives in memory, which may be damaged or hostile: stored and deflated entries, zip64. */
#ifndef RNCL_NN_ZIP_H
#define RNCL_NN_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "status.h"

typedef struct rncl_zip_entry {
    const char *name; /* name_length characters, no end */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc32;
    uint64_t packed_bytes, size_bytes; /* in the archive; unpacked */
    uint64_t header;                   /* where its local header begins */
} rncl_zip_entry;

typedef struct rncl_zip {
    const char *path; /* for messages */
    rncl_contents bytes;
    rncl_zip_entry *entries; /* by name, which are unique */
    size_t count;
    uint64_t unpacked_bytes; /* so far, of deflated entries */
} rncl_zip;

bool rncl_zip_recognises(rncl_contents bytes);

/* Reads the directory. RNCL_ERR_MODEL if it is damaged or missing, as it is in a file cut short. `path` and
 * `bytes` must outlive it. */
rncl_status rncl_zip_open(const char *path, rncl_contents bytes, rncl_zip *out);
void rncl_zip_close(rncl_zip *zip); /* harmless on a zeroed one */

/* The entry called `folder` followed by `name`; NULL if there is none. */
const rncl_zip_entry *rncl_zip_find(const rncl_zip *zip, const char *folder, size_t folder_length,
                                    const char *name, size_t name_length);

/* Checks where the bytes of an entry are: of a stored entry `data` is all of them, and its CRC is right; of a
 * deflated one data.data is NULL, and the caller makes room for data.size_bytes bytes and unpacks them there.
 * RNCL_ERR_MODEL for damage, and where all that was located would unpack to far more than weights do. */
rncl_status rncl_zip_locate(rncl_zip *zip, const rncl_zip_entry *entry, rncl_contents *data);
rncl_status rncl_zip_unpack(const rncl_zip *zip, const rncl_zip_entry *entry, unsigned char *to);

#endif
