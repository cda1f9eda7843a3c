/* Mapping, atomic writing, folders. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

rncl_status rncl_file_map(const char *path, rncl_mapping *out)
{
    *out = (rncl_mapping){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: %s", path, strerror(errno));
    rncl_status st = RNCL_OK;
    struct stat info;
    if (fstat(descriptor, &info) || !S_ISREG(info.st_mode)) {
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: not a regular file", path);
        goto done;
    }
    if (info.st_size == 0)
        goto done;
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot map: %s", path, strerror(errno));
    else
        *out = (rncl_mapping){.data = data, .size_bytes = (size_t)info.st_size};
done:
    close(descriptor);
    return st;
}

void rncl_file_unmap(rncl_mapping *mapping)
{
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->size_bytes);
    *mapping = (rncl_mapping){0};
}

rncl_status rncl_atomic_file_create(const char *path, rncl_atomic_file *out)
{
    *out = (rncl_atomic_file){.path = strdup(path), .temporary = rncl_text_format("%s.XXXXXX", path)};
    if (!out->path || !out->temporary) {
        rncl_atomic_file_abandon(out);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
    }
    int descriptor = mkstemp(out->temporary);
    if (descriptor >= 0) {
        fchmod(descriptor, 0644);
        out->stream = fdopen(descriptor, "wb");
    }
    if (!out->stream) {
        rncl_status st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
            unlink(out->temporary);
        }
        free(out->temporary);
        out->temporary = NULL;
        rncl_atomic_file_abandon(out);
        return st;
    }
    return RNCL_OK;
}

/* Puts the rename itself on disk; a file system that cannot sync a folder is not an error. */
static void sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
    free(copy);
}

rncl_status rncl_atomic_file_commit(rncl_atomic_file *file)
{
    bool written = !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int reason = errno;
    if (fclose(file->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    file->stream = NULL;
    if (written && rename(file->temporary, file->path) != 0) {
        written = false;
        reason = errno;
    }
    rncl_status st = RNCL_OK;
    if (written) {
        sync_folder_of(file->path);
        free(file->temporary);
        file->temporary = NULL;
    } else {
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s; the previous file is unchanged", file->path,
                       strerror(reason ? reason : EIO));
    }
    rncl_atomic_file_abandon(file);
    return st;
}

void rncl_atomic_file_abandon(rncl_atomic_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (rncl_atomic_file){0};
}

rncl_status rncl_file_write(const char *path, const void *data, size_t size_bytes)
{
    rncl_atomic_file file;
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    fwrite(data, 1, size_bytes, file.stream);
    return rncl_atomic_file_commit(&file);
}

rncl_status rncl_directory_create(const char *path)
{
    char *partial = strdup(path);
    if (!partial)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
    rncl_status st = RNCL_OK;
    for (char *end = partial + 1; !st; end++) {
        if (*end != '/' && *end != '\0')
            continue;
        char kept = *end;
        *end = '\0';
        if (mkdir(partial, 0777) && errno != EEXIST)
            st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot create the folder: %s", partial, strerror(errno));
        *end = kept;
        if (!kept)
            break;
    }
    free(partial);
    if (!st && !rncl_directory_exists(path))
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: exists and is not a folder", path);
    return st;
}

bool rncl_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool rncl_directory_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *rncl_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    return rncl_text_format("%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}
