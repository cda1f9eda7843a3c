/* Files in memory for parsers that take paths: stands in for host/base/file.c, and for the functions of
 * libraries that open a path. System calls would take most of a target's time. */
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "file.h"
#include "fuzz.h"
#include "util.h"

enum { MOST_FILES = 8 };

static const char folder[] = "/in-memory";

static struct memory_file {
    char path[64]; /* "": unused */
    unsigned char *data;
    size_t size_bytes, room_bytes;
} files[MOST_FILES];

static struct memory_file *find(const char *path)
{
    for (int i = 0; i < MOST_FILES; i++)
        if (files[i].path[0] && !strcmp(files[i].path, path))
            return &files[i];
    return NULL;
}

static struct memory_file *find_or_make(const char *path)
{
    struct memory_file *file = find(path);
    for (int i = 0; !file && i < MOST_FILES; i++)
        if (!files[i].path[0])
            file = &files[i];
    if (!file || strlen(path) >= sizeof file->path)
        errx(1, "%s: no room for it", path);
    strcpy(file->path, path);
    return file;
}

static void put(const char *path, const void *data, size_t size_bytes)
{
    struct memory_file *file = find_or_make(path);
    if (size_bytes > file->room_bytes) {
        file->room_bytes = 2 * size_bytes;
        file->data = realloc(file->data, file->room_bytes);
        if (!file->data)
            err(1, "%s", path);
    }
    if (size_bytes)
        memcpy(file->data, data, size_bytes);
    file->size_bytes = size_bytes;
}

const char *fuzz_folder(void)
{
    return folder;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    put(path, data, size);
    return path;
}

/* ---- host/base/file.c ---- */

/* In a block of its own size, so that sanitizers notice what reads past its end. */
rncl_status rncl_file_read(const char *path, rncl_contents *out)
{
    *out = (rncl_contents){0};
    const struct memory_file *file = find(path);
    if (!file)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: no such file", path);
    if (file->size_bytes == 0)
        return RNCL_OK;
    unsigned char *copy = malloc(file->size_bytes);
    if (!copy)
        err(1, "%s", path);
    memcpy(copy, file->data, file->size_bytes);
    *out = (rncl_contents){.data = copy, .size_bytes = file->size_bytes};
    return RNCL_OK;
}

void rncl_contents_free(rncl_contents *contents)
{
    free((void *)(uintptr_t)contents->data);
    *contents = (rncl_contents){0};
}

rncl_status rncl_file_write(const char *path, const void *data, size_t size_bytes)
{
    put(path, data, size_bytes);
    return RNCL_OK;
}

bool rncl_file_exists(const char *path)
{
    return find(path) != NULL;
}

bool rncl_file_may_exist(const char *path)
{
    return rncl_file_exists(path);
}

bool rncl_file_is_missing(const char *path)
{
    return !rncl_file_exists(path);
}

rncl_status rncl_file_open(const char *path, FILE **out)
{
    const struct memory_file *file = find(path);
    /* fmemopen takes no empty ones everywhere. */
    *out = !file              ? NULL
           : file->size_bytes ? fmemopen(file->data, file->size_bytes, "r")
                              : fopen("/dev/null", "r");
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_IO, "%s: no such file", path);
}

bool rncl_directory_exists(const char *path)
{
    return !strcmp(path, folder);
}

bool rncl_directory_may_exist(const char *path)
{
    return rncl_directory_exists(path);
}

char *rncl_path_join(const char *parent, const char *name)
{
    return rncl_text_format("%s/%s", parent, name);
}

/* No parser calls these, but the library has to find them. */

rncl_status rncl_atomic_file_create(const char *path, rncl_atomic_file *out)
{
    *out = (rncl_atomic_file){0};
    errx(1, "%s: written bit by bit", path);
}

rncl_status rncl_atomic_file_commit(rncl_atomic_file *file)
{
    errx(1, "%s: written bit by bit", file->path);
}

void rncl_atomic_file_abandon(rncl_atomic_file *file)
{
    errx(1, "%s: written bit by bit", file->path);
}

rncl_status rncl_file_copy(const char *from, const char *to)
{
    errx(1, "%s: copied to %s", from, to);
}

rncl_status rncl_file_link(const char *from, const char *to)
{
    errx(1, "%s: linked to %s", from, to);
}

rncl_status rncl_directory_create(const char *path)
{
    errx(1, "%s: created", path);
}

/* ---- libraries; the linker's --wrap replaces the calls, also libFuzzer's own ---- */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_stat(const char *path, struct stat *info);
int __wrap_stat(const char *path, struct stat *info);
gzFile __wrap_gzopen(const char *path, const char *mode);
json_t *__wrap_json_load_file(const char *path, size_t flags, json_error_t *error);

/* Streams are opened to append, and nothing is written to them. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
    static char unused[1];
    return find(path) && *mode == 'a' ? fmemopen(unused, sizeof unused, "w") : __real_fopen(path, mode);
}

int __wrap_stat(const char *path, struct stat *info)
{
    const struct memory_file *file = find(path);
    if (!file)
        return __real_stat(path, info);
    *info = (struct stat){.st_mode = S_IFREG, .st_size = (off_t)file->size_bytes};
    return 0;
}

gzFile __wrap_gzopen(const char *path, const char *mode)
{
    static int descriptor = -1;
    const struct memory_file *file = find(path);
    if (descriptor < 0)
        descriptor = memfd_create("fuzz", 0);
    const int copy = dup(descriptor); /* gzclose closes it */
    if (!file || copy < 0 || ftruncate(copy, 0) ||
        pwrite(copy, file->data, file->size_bytes, 0) != (ssize_t)file->size_bytes ||
        lseek(copy, 0, SEEK_SET))
        err(1, "%s", path);
    return gzdopen(copy, mode);
}

json_t *__wrap_json_load_file(const char *path, size_t flags, json_error_t *error)
{
    const struct memory_file *file = find(path);
    if (!file)
        errx(1, "%s: not there", path);
    return json_loadb((const char *)file->data, file->size_bytes, flags, error);
}
