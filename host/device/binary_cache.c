/* A file holds magic, sizes and checksums, then the whole key, then the driver's binary. Its name is a
 * hash of the key. Since the key is inside too, a collision of hashes is a miss and not a wrong program. */
#include "binary_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "util.h"

typedef struct cache_header {
    char magic[8];
    uint64_t key_bytes, binary_bytes;
    uint64_t hash; /* of key and binary */
} cache_header;

static const char magic[8] = {'r', 'n', 'c', 'l', 'b', 'i', 'n', '1'};

char *rncl_binary_cache_key(const rncl_device_info *info, const char *options, const char *source)
{
    return rncl_text_format("%s\n%s\n%s\n%s\n%s\n%s", info->platform, info->name, info->version, info->driver,
                            options, source);
}

char *rncl_cache_path(const char *name, bool create)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *folder = NULL, *path = NULL;
    if (base && *base)
        folder = rncl_path_join(base, "rncl");
    else if (home && *home)
        folder = rncl_path_join(home, ".cache/rncl");
    if (folder && (!create || !rncl_directory_create(folder)))
        path = rncl_path_join(folder, name);
    free(folder);
    return path;
}

/* Where the key's binary is kept. */
static char *cache_path(const char *key, bool create)
{
    char name[32];
    snprintf(name, sizeof name, "%016llx.bin",
             (unsigned long long)rncl_hash(RNCL_HASH_START, key, strlen(key)));
    return rncl_cache_path(name, create);
}

/* The binary in the file; NULL if the file is damaged or holds another key. */
static const unsigned char *find_binary(const rncl_contents *file, const char *key, size_t *size_bytes)
{
    cache_header header;
    if (file->size_bytes < sizeof header)
        return NULL;
    memcpy(&header, file->data, sizeof header);
    size_t payload = file->size_bytes - sizeof header;
    if (memcmp(header.magic, magic, sizeof magic) || header.key_bytes != strlen(key) ||
        header.key_bytes > payload || header.binary_bytes != payload - header.key_bytes)
        return NULL;
    const unsigned char *stored_key = file->data + sizeof header;
    if (memcmp(stored_key, key, header.key_bytes) ||
        rncl_hash(RNCL_HASH_START, stored_key, payload) != header.hash)
        return NULL;
    *size_bytes = (size_t)header.binary_bytes;
    return stored_key + header.key_bytes;
}

bool rncl_binary_cache_load(rncl_context *context, const char *key, const char *options, cl_program *out)
{
    char *path = cache_path(key, false);
    rncl_contents file = {0};
    bool loaded = false;
    size_t size_bytes;
    if (!path || !rncl_file_exists(path) || rncl_file_read(path, &file))
        goto done;
    const unsigned char *binary = find_binary(&file, key, &size_bytes);
    if (!binary) {
        rncl_log_line(&context->log, RNCL_LOG_DETAIL, "%s: damaged or for another kernel; building anew",
                      path);
        goto done;
    }
    cl_int error, binary_status;
    *out = clCreateProgramWithBinary(context->context, 1, &context->device, &size_bytes, &binary,
                                     &binary_status, &error);
    if (error == CL_SUCCESS && clBuildProgram(*out, 1, &context->device, options, NULL, NULL) == CL_SUCCESS) {
        loaded = true;
    } else {
        rncl_log_line(&context->log, RNCL_LOG_DETAIL, "%s: refused by the driver; building anew", path);
        if (error == CL_SUCCESS)
            clReleaseProgram(*out);
        *out = NULL;
    }
done:
    rncl_contents_free(&file);
    free(path);
    return loaded;
}

static rncl_status write_file(const char *path, const char *key, const unsigned char *binary,
                              size_t binary_bytes)
{
    cache_header header = {.key_bytes = strlen(key), .binary_bytes = binary_bytes};
    memcpy(header.magic, magic, sizeof magic);
    header.hash = rncl_hash(rncl_hash(RNCL_HASH_START, key, strlen(key)), binary, binary_bytes);
    rncl_atomic_file file;
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    fwrite(&header, sizeof header, 1, file.stream);
    fwrite(key, 1, strlen(key), file.stream);
    fwrite(binary, 1, binary_bytes, file.stream);
    return rncl_atomic_file_commit(&file);
}

void rncl_binary_cache_store(rncl_context *context, const char *key, cl_program program)
{
    /* First, since some drivers make the binary when they are asked for its size: PoCL compiles every kernel
     * of the program once more. */
    char *path = cache_path(key, true);
    unsigned char *binary = NULL;
    size_t size_bytes = 0;
    if (!path ||
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size_bytes, &size_bytes, NULL) !=
            CL_SUCCESS ||
        size_bytes == 0)
        goto done;
    binary = malloc(size_bytes);
    if (binary &&
        clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS &&
        write_file(path, key, binary, size_bytes))
        rncl_log_line(&context->log, RNCL_LOG_NOTE, "no binary kept: %s", rncl_status_message());
done:
    free(binary);
    free(path);
}
