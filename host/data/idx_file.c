/* Reads one IDX file through zlib, which takes plain files as they are. */
#include "idx_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "file.h"
#include "util.h"

/* Where the files are found: as published, as Kaggle renames them (train-images.idx3-ubyte), and where
 * torchvision keeps them. */
static const char *const suffixes[] = {"", ".gz"}, *const folders[] = {"", "raw/"};

/* The path of the first form of the file that may exist; NULL if none does. Caller frees. */
static char *find_file(const char *folder, const char *name)
{
    const char *dash = strstr(name, "-idx");
    const int length = dash ? (int)(dash - name) : (int)strlen(name);
    for (size_t i = 0; i < COUNT(folders) * COUNT(suffixes) * 2; i++) {
        const char *below = folders[i / 4], *suffix = suffixes[i / 2 % 2];
        char *path = i % 2 ? rncl_text_format("%s/%s%.*s.%s%s", folder, below, length, name,
                                              dash ? dash + 1 : "", suffix)
                           : rncl_text_format("%s/%s%s%s", folder, below, name, suffix);
        if (path && rncl_file_may_exist(path))
            return path;
        free(path);
    }
    return NULL;
}

bool rncl_idx_exists(const char *folder, const char *name)
{
    char *path = find_file(folder, name);
    free(path);
    return path != NULL;
}

/* *count: how many of the wanted bytes came before the file ended. */
static rncl_status read_bytes(gzFile file, const char *path, uint8_t *bytes, size_t wanted, size_t *count)
{
    enum { MOST = 1 << 30 }; /* zlib counts in unsigned and answers in int */
    *count = 0;
    while (*count < wanted) {
        int got = gzread(file, bytes + *count, (unsigned)MIN(wanted - *count, (size_t)MOST));
        if (got > 0) {
            *count += (size_t)got;
            continue;
        }
        int code; /* an end that comes too early is told only here */
        const char *reason = gzerror(file, &code);
        if (code == Z_OK)
            break;
        if (code == Z_MEM_ERROR || (code == Z_ERRNO && errno == ENOMEM))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to expand it", path);
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: %s; fetch the file again", path,
                         code == Z_BUF_ERROR ? "the compressed data is truncated" : reason);
    }
    return RNCL_OK;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static rncl_status read_header(gzFile file, int dimensions, rncl_idx_array *array, size_t *size_bytes)
{
    uint8_t header[4 + 4 * RNCL_IDX_DIMENSIONS] = {0};
    const uint32_t magic = 0x0800u + (uint32_t)dimensions; /* 8: unsigned bytes */
    size_t length = 4 + 4 * (size_t)dimensions, count;
    RNCL_TRY(read_bytes(file, array->path, header, length, &count));
    if (count >= 4 && big_endian(header) != magic)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: not an IDX file of %d dimensions: magic number 0x%08x instead of 0x%08x",
                         array->path, dimensions, (unsigned)big_endian(header), (unsigned)magic);
    if (count < length)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: truncated in its header; fetch the file again", array->path);
    *size_bytes = 1;
    for (int i = 0; i < RNCL_IDX_DIMENSIONS; i++) {
        array->size[i] = i < dimensions ? big_endian(header + 4 + 4 * i) : 1;
        if (array->size[i] == 0 || array->size[i] > INT32_MAX ||
            !rncl_size_multiply(*size_bytes, array->size[i], size_bytes))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s: impossible size %u in its header", array->path,
                             (unsigned)array->size[i]);
    }
    return RNCL_OK;
}

/* Pictures compress to a half or a tenth, labels in order to much less, but they are small. What expands to
 * more than this is made to fill the memory. */
static rncl_status check_expansion(const char *path, size_t size_bytes)
{
    enum { HARMLESS = 1 << 26, MOST_TIMES = 100 };
    struct stat info;
    if (stat(path, &info))
        return RNCL_FAIL(RNCL_ERR_IO, "%s: %s", path, strerror(errno));
    const size_t file_bytes = (size_t)info.st_size;
    if (size_bytes > HARMLESS && size_bytes / MOST_TIMES > file_bytes)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: its header promises %zu bytes, more than %d times the file; if that is right, "
                         "decompress it with gunzip first",
                         path, size_bytes, MOST_TIMES);
    return RNCL_OK;
}

/* The buffer grows with what arrives, so that a lying header costs no more memory than the file holds. */
static rncl_status read_body(gzFile file, rncl_idx_array *array, size_t size_bytes)
{
    size_t capacity = 0, length = 0;
    while (length < size_bytes) {
        capacity = MIN(size_bytes, MAX(capacity * 2, (size_t)1 << 20));
        uint8_t *bytes = realloc(array->bytes, capacity);
        if (!bytes)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its %zu bytes", array->path, size_bytes);
        array->bytes = bytes;
        size_t count;
        RNCL_TRY(read_bytes(file, array->path, bytes + length, capacity - length, &count));
        length += count;
        if (length < capacity)
            return RNCL_FAIL(RNCL_ERR_DATA,
                             "%s: truncated: %zu bytes of data instead of %zu; fetch the file again",
                             array->path, length, size_bytes);
    }
    /* One byte more than there should be: zlib compares the checksum when it meets the end. */
    uint8_t beyond;
    size_t extra;
    RNCL_TRY(read_bytes(file, array->path, &beyond, 1, &extra));
    if (extra)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: longer than the %zu bytes of data that its header gives",
                         array->path, size_bytes);
    return RNCL_OK;
}

rncl_status rncl_idx_read(const char *folder, const char *name, int dimensions, rncl_idx_array *out)
{
    *out = (rncl_idx_array){.path = find_file(folder, name)};
    if (!out->path)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s/%s: missing, and so is %s.gz", folder, name, name);
    rncl_status st = RNCL_OK;
    size_t size_bytes;
    gzFile file = gzopen(out->path, "rbe");
    if (!file)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: cannot open: %s", out->path, strerror(errno));
    if (!st)
        st = read_header(file, dimensions, out, &size_bytes);
    if (!st && !gzdirect(file))
        st = check_expansion(out->path, size_bytes);
    if (!st)
        st = read_body(file, out, size_bytes);
    if (file)
        gzclose(file);
    if (st)
        rncl_idx_free(out);
    return st;
}

void rncl_idx_free(rncl_idx_array *array)
{
    free(array->path);
    free(array->bytes);
    *array = (rncl_idx_array){0};
}
