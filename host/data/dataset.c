/* The table of readers, and the choice among them. */
#include "dataset.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "folder_walk.h"
#include "image_foreign.h"
#include "readers.h"
#include "util.h"

/* Class folders are the least that is asked of a folder, and come last of those that are recognised. */
static const rncl_reader *const readers[] = {&rncl_reader_idx, &rncl_reader_cifar, &rncl_reader_folder};

/* The user's own folder comes first, whatever its name. */
static bool names_built_in(const char *path)
{
    return !path || !strcmp(path, RNCL_DATA_BUILT_IN) ||
           (!strcmp(path, rncl_reader_shapes.name) && !rncl_directory_exists(path));
}

static const rncl_reader *reader_of(const char *path, bool with_folders)
{
    for (size_t i = 0; i < COUNT(readers); i++)
        if ((with_folders || readers[i] != &rncl_reader_folder) && readers[i]->recognises(path))
            return readers[i];
    return NULL;
}

/* A set that lies one level further down, in a folder that may be read. */
typedef struct below {
    const rncl_reader *reader;
    char *path, *another; /* a second one: which is meant? */
} below;

static rncl_status look_below(void *user, const char *path, const struct dirent *entry)
{
    below *b = user;
    const bool open =
        rncl_walk_is_folder(path, entry) && faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) == 0;
    const rncl_reader *reader = open ? reader_of(path, false) : NULL;
    if (!reader || b->another)
        return RNCL_OK;
    char *copy = strdup(path);
    if (!copy)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
    if (b->reader) {
        b->another = copy;
        return RNCL_OK;
    }
    b->reader = reader;
    b->path = copy;
    return RNCL_OK;
}

static rncl_status find_below(const char *path, below *b)
{
    RNCL_TRY(rncl_walk(path, look_below, b));
    return b->another ? RNCL_FAIL(RNCL_ERR_DATA, "%s: both %s and %s could be meant; give one of them", path,
                                  b->path, b->another)
                      : RNCL_OK;
}

/* The first file of a kind that rncl knows and does not read, and what to do about it. */
typedef struct unread {
    char *path;
    const char *text;
} unread;

static const char *text_of(const char *path)
{
    static const char *const archives[] = {".zip", ".tar", ".gz", ".tgz", ".xz",
                                           ".bz2", ".zst", ".7z", ".rar"};
    const char *suffix = rncl_walk_suffix(path);
    for (size_t i = 0; i < COUNT(archives); i++)
        if (!strcasecmp(suffix, archives[i]))
            return "an archive: unpack it";
    return rncl_image_foreign_suffix(suffix);
}

static rncl_status look_for_unread(void *user, const char *path, const struct dirent *entry)
{
    unread *first = user;
    (void)entry;
    const char *text = first->text ? NULL : text_of(path);
    if (!text)
        return RNCL_OK;
    first->text = text;
    first->path = strdup(path);
    return first->path ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
}

/* Fails: says what is in a folder that no reader recognises, if that is known, and what was looked for. */
static rncl_status explain(const char *path)
{
    unread first = {0};
    rncl_status st = rncl_walk(path, look_for_unread, &first);
    if (!st && first.text)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: no data set recognised, but %s: %s", path, first.path, first.text);
    else if (!st)
        st = RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: no data set recognised; looked for IDX files (train-images-idx3-ubyte, plain or "
            ".gz), CIFAR's binaries (data_batch_1.bin, train.bin) or pickles (data_batch_1, train), "
            "and class folders of PNG, JPEG or WebP (train/CLASS/*, CLASS/*)",
            path);
    free(first.path);
    return st;
}

/* *where: `path`, or the folder in it that is meant; the caller's. */
static rncl_status find_set(const char *path, const rncl_reader **reader, char **where)
{
    below b = {.reader = reader_of(path, false)};
    const bool right_here = b.reader != NULL;
    rncl_status st = right_here ? RNCL_OK : find_below(path, &b);
    if (!b.reader)
        b.reader = reader_of(path, true);
    *where = st ? NULL : strdup(b.path ? b.path : path);
    free(b.path);
    free(b.another);
    RNCL_TRY(st);
    *reader = b.reader;
    if (!*where)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
    return *reader ? RNCL_OK : explain(path);
}

/* *where: NULL for the built-in set, else the caller's, also after a failure. */
static rncl_status find_reader(const char *path, const rncl_reader **reader, char **where)
{
    *where = NULL;
    *reader = &rncl_reader_shapes;
    if (names_built_in(path))
        return RNCL_OK;
    *reader = NULL;
    if (!rncl_directory_exists(path) && rncl_file_exists(path))
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: a file, and data are a folder: unpack an archive, or give the folder of a picture", path);
    if (!rncl_directory_exists(path))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: no such folder; give a folder of pictures or " RNCL_DATA_BUILT_IN, path);
    return find_set(path, reader, where);
}

rncl_status rncl_dataset_recognise(const char *path, const rncl_reader **out)
{
    char *where;
    const rncl_status st = find_reader(path, out, &where);
    free(where);
    return st;
}

static rncl_status open_with(const rncl_reader *reader, const rncl_dataset_options *options,
                             rncl_dataset **out)
{
    rncl_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it",
                         options->path ? options->path : reader->name);
    dataset->reader = reader;
    dataset->info.format = reader->name;
    rncl_status st = reader->open(dataset, options);
    if (!st && options->skip_bad)
        st = rncl_skips_create(dataset->info.count, options->log, &dataset->skips);
    if (st) {
        rncl_dataset_close(dataset);
        return st;
    }
    *out = dataset;
    return RNCL_OK;
}

rncl_status rncl_dataset_open(const rncl_dataset_options *options, rncl_dataset **out)
{
    *out = NULL;
    const rncl_reader *reader;
    char *where;
    rncl_status st = find_reader(options->path, &reader, &where);
    rncl_dataset_options there = *options;
    there.path = where;
    if (!st)
        st = open_with(reader, &there, out);
    free(where);
    return st;
}

void rncl_dataset_close(rncl_dataset *dataset)
{
    if (!dataset)
        return;
    rncl_skips_destroy(dataset->skips);
    dataset->reader->close(dataset);
    free(dataset);
}
