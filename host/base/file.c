/* Reading, atomic writing, folders. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* Fills `bytes` from the descriptor. A file that another process cuts meanwhile is an error, not a signal. */
static rncl_status read_whole(int descriptor, const char *path, unsigned char *bytes, size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes;) {
        const ssize_t got = read(descriptor, bytes + done, size_bytes - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        if (got == 0)
            return RNCL_FAIL(RNCL_ERR_IO, "%s: was cut to %zu of %zu bytes while it was read; try again",
                             path, done, size_bytes);
        done += (size_t)got;
    }
    return RNCL_OK;
}

static rncl_status read_regular(int descriptor, const char *path, rncl_contents *out)
{
    struct stat info;
    if (fstat(descriptor, &info))
        return RNCL_FAIL(RNCL_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return RNCL_FAIL(RNCL_ERR_IO, "%s: not a regular file", path);
    const size_t size_bytes = (size_t)info.st_size;
    if (size_bytes == 0)
        return RNCL_OK;
    unsigned char *bytes = malloc(size_bytes);
    if (!bytes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its %zu bytes", path, size_bytes);
    const rncl_status st = read_whole(descriptor, path, bytes, size_bytes);
    if (st) {
        free(bytes);
        return st;
    }
    *out = (rncl_contents){.data = bytes, .size_bytes = size_bytes};
    return RNCL_OK;
}

rncl_status rncl_file_read(const char *path, rncl_contents *out)
{
    *out = (rncl_contents){0};
    /* Opening a FIFO that nobody writes to would wait for ever. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: %s", path, strerror(errno));
    const rncl_status st = read_regular(descriptor, path, out);
    close(descriptor);
    return st;
}

void rncl_contents_free(rncl_contents *contents)
{
    free((void *)(uintptr_t)contents->data);
    *contents = (rncl_contents){0};
}

/* ---- temporary names ---- */

/* What follows the name and a dot: upper case, lower case, two digits, upper case, lower case. Copies that
 * people keep beside a file are not called so. */
static const char suffix_pattern[] = "Aa00Aa";

enum { SUFFIX = sizeof suffix_pattern - 1, MOST_TRIES = 100 };

static bool fits_pattern(const char *suffix)
{
    for (size_t i = 0; i < SUFFIX; i++) {
        const unsigned char c = (unsigned char)suffix[i];
        const char kind = c >= 'A' && c <= 'Z'   ? 'A'
                          : c >= 'a' && c <= 'z' ? 'a'
                          : c >= '0' && c <= '9' ? '0'
                                                 : '?';
        if (kind != suffix_pattern[i])
            return false;
    }
    return suffix[SUFFIX] == '\0';
}

static bool draw_suffix(char *suffix)
{
    unsigned char bytes[SUFFIX];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    for (size_t i = 0; i < SUFFIX; i++)
        suffix[i] = (char)(suffix_pattern[i] + bytes[i] % (suffix_pattern[i] == '0' ? 10 : 26));
    return true;
}

/* Whoever writes a temporary file holds a lock on it, which ends with the process: what can be locked has no
 * owner. Where the file system has no locks, nothing is removed. */
static void remove_if_abandoned(int folder, const char *name)
{
    const int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor < 0)
        return;
    struct stat info;
    if (!fstat(descriptor, &info) && S_ISREG(info.st_mode) && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(descriptor);
}

/* Removes the temporary files of `path` that dead processes have left. */
static void remove_leftovers(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t length = strlen(name);
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    DIR *directory = folder ? opendir(folder) : NULL;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        if (!strncmp(entry->d_name, name, length) && entry->d_name[length] == '.' &&
            fits_pattern(entry->d_name + length + 1))
            remove_if_abandoned(dirfd(directory), entry->d_name);
    if (directory)
        closedir(directory);
    free(folder);
}

/* Creates a file under a name of its own, locked; -1 with errno. `temporary` ends in a place for the suffix.
 */
static int create_locked(char *temporary)
{
    char *suffix = temporary + strlen(temporary) - SUFFIX;
    for (int i = 0; i < MOST_TRIES && draw_suffix(suffix); i++) {
        const int descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno == EEXIST)
            continue;
        if (descriptor < 0)
            return -1;
        /* Another process may take it for a leftover until it is locked. */
        struct stat info;
        flock(descriptor, LOCK_EX);
        if (fstat(descriptor, &info) == 0 && info.st_nlink > 0)
            return descriptor;
        close(descriptor);
    }
    errno = EEXIST;
    return -1;
}

/* ---- atomic files ---- */

/* Where the file is, behind symbolic links. */
static rncl_status resolve(const char *path, char **out)
{
    struct stat info;
    const bool linked = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    *out = linked ? realpath(path, NULL) : strdup(path);
    if (*out)
        return RNCL_OK;
    return linked ? RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: a symbolic link, and %s", path, strerror(errno))
                  : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
}

/* Whether there is something that is no regular file. A folder is left to the rename, which refuses it. */
static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* Without waiting for somebody to read a FIFO. */
static int open_special(const char *path)
{
    const int descriptor = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor >= 0)
        fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
    return descriptor;
}

/* A descriptor for the file's contents, or -1. */
static int open_contents(rncl_atomic_file *file)
{
    if (is_special(file->path))
        return open_special(file->path);
    if (!(file->temporary = rncl_text_format("%s.%s", file->path, suffix_pattern)))
        return -1;
    remove_leftovers(file->path);
    const int descriptor = create_locked(file->temporary);
    if (descriptor < 0) {
        free(file->temporary);
        file->temporary = NULL;
    }
    return descriptor;
}

rncl_status rncl_atomic_file_create(const char *path, rncl_atomic_file *out)
{
    *out = (rncl_atomic_file){0};
    RNCL_TRY(resolve(path, &out->path));
    const int descriptor = open_contents(out);
    rncl_status st = RNCL_OK;
    if (descriptor < 0)
        st = RNCL_FAIL(errno == ENOMEM ? RNCL_ERR_MEMORY : RNCL_ERR_IO, "%s: cannot write: %s", path,
                       strerror(errno));
    else if (!(out->stream = fdopen(descriptor, "wb"))) {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: cannot write: %s", path, strerror(errno));
        close(descriptor);
    }
    if (st)
        rncl_atomic_file_abandon(out);
    return st;
}

rncl_status rncl_file_try(const char *path)
{
    rncl_atomic_file file;
    if (is_special(path))
        return RNCL_OK;
    if (rncl_directory_exists(path))
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", path, strerror(EISDIR));
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    rncl_atomic_file_abandon(&file);
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

/* Whether everything is on disk under its name; errno says why not. The rename comes before the file is
 * closed, since closing it ends the lock. */
static bool complete(const rncl_atomic_file *file)
{
    const int descriptor = fileno(file->stream);
    const bool flushed = fflush(file->stream) == 0;
    if (flushed && ferror(file->stream)) {
        /* The stream has forgotten why. What hit it, a full disk for instance, should hit the next byte too.
         */
        if (write(descriptor, "", 1) >= 0)
            errno = EIO;
        return false;
    }
    if (!file->temporary)
        return flushed;
    return flushed && fsync(descriptor) == 0 && rename(file->temporary, file->path) == 0;
}

rncl_status rncl_atomic_file_commit(rncl_atomic_file *file)
{
    rncl_status st = RNCL_OK;
    if (complete(file)) {
        if (file->temporary)
            sync_folder_of(file->path);
        free(file->temporary);
        file->temporary = NULL;
    } else if (!file->temporary) {
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s", file->path, strerror(errno));
    } else {
        st = RNCL_FAIL(RNCL_ERR_IO, "%s: cannot write: %s; the previous file is unchanged", file->path,
                       strerror(errno));
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

rncl_status rncl_file_copy(const char *from, const char *to)
{
    rncl_contents contents;
    RNCL_TRY(rncl_file_read(from, &contents));
    const rncl_status st =
        rncl_file_write(to, contents.data ? contents.data : (const void *)"", contents.size_bytes);
    rncl_contents_free(&contents);
    return st;
}

rncl_status rncl_file_link(const char *from, const char *to)
{
    char *between = rncl_text_format("%s.link", to);
    if (!between)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", to);
    unlink(between);
    const bool linked = link(from, between) == 0 && rename(between, to) == 0;
    unlink(between); /* renaming a name to another of the same file leaves both */
    free(between);
    if (!linked)
        return rncl_file_copy(from, to);
    sync_folder_of(to);
    return RNCL_OK;
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

/* The kind of file (S_IFREG, S_IFDIR, ...); 0: none, or `unseen` where that cannot be told. */
static mode_t kind_of(const char *path, mode_t unseen)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return info.st_mode & S_IFMT;
    const bool none = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP;
    return none ? 0 : unseen;
}

bool rncl_file_exists(const char *path)
{
    return kind_of(path, 0) == S_IFREG;
}

bool rncl_file_may_exist(const char *path)
{
    return kind_of(path, S_IFREG) == S_IFREG;
}

bool rncl_directory_exists(const char *path)
{
    return kind_of(path, 0) == S_IFDIR;
}

bool rncl_directory_may_exist(const char *path)
{
    return kind_of(path, S_IFDIR) == S_IFDIR;
}

char *rncl_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    return rncl_text_format("%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}
