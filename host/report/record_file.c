/* A record: length, its checksum, bytes, their checksum; little-endian. */
#include "record_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "util.h"

struct rncl_record_file {
    FILE *stream;
    char *path;
};

/* A run that goes on within the second in which it ended finds the name taken. */
static rncl_status open_new(const char *folder, rncl_record_file *file)
{
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    rncl_text_make_plain(host);
    const long long now = time(NULL);
    for (int again = 0; !file->stream; again++) {
        free(file->path);
        file->path = rncl_text_format("%s/events.out.tfevents.%010lld.%s.%ld.%d", folder, now, host,
                                      (long)getpid(), again);
        if (!file->path)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "an event file in %s", folder);
        file->stream = fopen(file->path, "wxe");
        if (!file->stream && errno != EEXIST)
            return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot create: %s", file->path, strerror(errno));
    }
    return RNCL_OK;
}

rncl_status rncl_record_file_create(const char *folder, rncl_record_file **out)
{
    rncl_record_file *file = *out = calloc(1, sizeof *file);
    if (!file)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an event file in %s", folder);
    const rncl_status st = open_new(folder, file);
    if (st) {
        rncl_record_file_destroy(file);
        *out = NULL;
    }
    return st;
}

void rncl_record_file_destroy(rncl_record_file *file)
{
    if (!file)
        return;
    if (file->stream)
        fclose(file->stream);
    free(file->path);
    free(file);
}

/* The format masks checksums, since a checksum over data that end in their own checksum is constant. */
static uint32_t masked_crc(const void *data, size_t size_bytes)
{
    const uint32_t crc = rncl_crc32c(data, size_bytes);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void put_little_endian(uint64_t number, size_t bytes, unsigned char *to)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(number >> 8 * i);
}

rncl_status rncl_record_file_write(rncl_record_file *file, const void *data, size_t size_bytes)
{
    enum { LENGTH = 8, CRC = 4 };
    unsigned char before[LENGTH + CRC], after[CRC];
    put_little_endian(size_bytes, LENGTH, before);
    put_little_endian(masked_crc(before, LENGTH), CRC, before + LENGTH);
    put_little_endian(masked_crc(data, size_bytes), CRC, after);
    if (fwrite(before, sizeof before, 1, file->stream) != 1 ||
        fwrite(data, 1, size_bytes, file->stream) != size_bytes ||
        fwrite(after, sizeof after, 1, file->stream) != 1)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", file->path, strerror(errno));
    return RNCL_OK;
}

rncl_status rncl_record_file_flush(rncl_record_file *file)
{
    if (fflush(file->stream) == 0)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", file->path, strerror(errno));
}
