/* The reader of CIFAR-10 and CIFAR-100 (Krizhevsky 2009), in both forms that they are given away in: binary
 * files of records of one or two label bytes and three planes of 32 x 32 bytes, and Python's pickles of an
 * array of such planes and a list of labels. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "numpy_array.h"
#include "picture.h"
#include "readers.h"
#include "util.h"

enum {
    SIZE = 32,
    PLANE = SIZE * SIZE,
    CHANNELS = 3,
    PIXELS = PLANE * CHANNELS,
    MOST_FILES = 5,
    MOST_CLASSES = 100,
    MOST_PICTURES = INT32_MAX / 8, /* of a file */
};

typedef struct variant {
    const char *folder; /* that the archive unpacks to */
    const char *names;  /* of the classes, in a file of its own */
    bool names_needed;  /* to recognise it: the other files' names are everyday words */
    int classes;
    size_t label_bytes;                   /* binary: the last one is the class */
    const char *label_key, *names_key;    /* pickles; NULL: binary */
    const char *files[2][MOST_FILES + 1]; /* of each split */
} variant;

static const variant variants[] = {
    {.folder = "cifar-10-batches-bin",
     .names = "batches.meta.txt",
     .label_bytes = 1,
     .classes = 10,
     .files = {[RNCL_SPLIT_TRAIN] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                     "data_batch_4.bin", "data_batch_5.bin"},
               [RNCL_SPLIT_VALIDATION] = {"test_batch.bin"}}},
    {.folder = "cifar-100-binary",
     .names = "fine_label_names.txt",
     .label_bytes = 2,
     .classes = 100,
     .files = {[RNCL_SPLIT_TRAIN] = {"train.bin"}, [RNCL_SPLIT_VALIDATION] = {"test.bin"}}},
    {.folder = "cifar-10-batches-py",
     .names = "batches.meta",
     .label_key = "labels",
     .names_key = "label_names",
     .classes = 10,
     .files = {[RNCL_SPLIT_TRAIN] = {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                                     "data_batch_5"},
               [RNCL_SPLIT_VALIDATION] = {"test_batch"}}},
    {.folder = "cifar-100-python",
     .names = "meta",
     .names_needed = true,
     .label_key = "fine_labels",
     .names_key = "fine_label_names",
     .classes = 100,
     .files = {[RNCL_SPLIT_TRAIN] = {"train"}, [RNCL_SPLIT_VALIDATION] = {"test"}}},
};

typedef struct cifar {
    uint8_t *pixels; /* [count][SIZE][SIZE][CHANNELS] */
    uint8_t *labels; /* [count] */
    uint32_t count;
    char *text; /* the names, each ended by a zero */
    const char *names[MOST_CLASSES];
} cifar;

static bool holds_file(const char *folder, const char *name)
{
    char *path = rncl_path_join(folder, name);
    const bool holds = path && rncl_file_exists(path);
    free(path);
    return holds;
}

static bool holds_variant(const char *folder, const variant *v)
{
    return (!v->names_needed || holds_file(folder, v->names)) &&
           (holds_file(folder, v->files[RNCL_SPLIT_TRAIN][0]) ||
            holds_file(folder, v->files[RNCL_SPLIT_VALIDATION][0]));
}

/* The folder, or its usual subfolder, with the files of a variant; NULL if there is none. Caller frees. */
static char *find_folder(const char *path, const variant **which)
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        *which = &variants[i];
        if (holds_variant(path, &variants[i]))
            return strdup(path);
        char *below = rncl_path_join(path, variants[i].folder);
        if (below && holds_variant(below, &variants[i]))
            return below;
        free(below);
    }
    return NULL;
}

static int recognises(const char *path)
{
    const variant *which;
    char *folder = find_folder(path, &which);
    free(folder);
    return folder != NULL;
}

/* ---- pictures ---- */

static rncl_status grow(cifar *set, uint32_t count, const char *path)
{
    uint8_t *pixels = realloc(set->pixels, (size_t)count * PIXELS);
    if (pixels)
        set->pixels = pixels;
    uint8_t *labels = realloc(set->labels, count);
    if (labels)
        set->labels = labels;
    return pixels && labels ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its pictures", path);
}

static void interleave(const uint8_t *planes, uint8_t *pixels)
{
    for (size_t i = 0; i < PLANE; i++)
        for (size_t k = 0; k < CHANNELS; k++)
            pixels[i * CHANNELS + k] = planes[k * PLANE + i];
}

static rncl_status add_picture(cifar *set, const variant *v, int64_t label, const uint8_t *planes,
                               const char *path)
{
    if (label < 0 || label >= v->classes)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: label %lld of picture %u, but there are %d classes", path,
                         (long long)label, (unsigned)set->count, v->classes);
    set->labels[set->count] = (uint8_t)label;
    interleave(planes, set->pixels + (size_t)set->count++ * PIXELS);
    return RNCL_OK;
}

static rncl_status take_records(cifar *set, const variant *v, const rncl_contents *file, const char *path)
{
    const size_t record = v->label_bytes + PIXELS;
    if (file->size_bytes == 0 || file->size_bytes % record != 0 || file->size_bytes / record > MOST_PICTURES)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: %zu bytes are not a whole number of records of %zu; fetch the file again", path,
                         file->size_bytes, record);
    const uint32_t added = (uint32_t)(file->size_bytes / record);
    RNCL_TRY(grow(set, set->count + added, path));
    for (uint32_t i = 0; i < added; i++) {
        const uint8_t *bytes = file->data + i * record;
        RNCL_TRY(add_picture(set, v, bytes[v->label_bytes - 1], bytes + v->label_bytes, path));
    }
    return RNCL_OK;
}

/* The list of a pickled dictionary's key; NULL: there is none. */
static const rncl_pickle_value *find_list(const rncl_pickle *pickle, const char *key)
{
    const rncl_pickle_value *found = rncl_pickle_find(pickle->value, key);
    return found && found->kind == RNCL_PICKLE_LIST ? found : NULL;
}

static rncl_status take_batch(cifar *set, const variant *v, const rncl_pickle *pickle, const char *path)
{
    const rncl_pickle_value *labels = find_list(pickle, v->label_key);
    rncl_contents data;
    RNCL_TRY(rncl_numpy_bytes(path, rncl_pickle_find(pickle->value, "data"), &data));
    if (!labels || labels->items.count == 0 || labels->items.count > MOST_PICTURES ||
        data.size_bytes != labels->items.count * PIXELS)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: not %d bytes in `data` for each of `%s`", path, PIXELS,
                         v->label_key);
    RNCL_TRY(grow(set, set->count + (uint32_t)labels->items.count, path));
    const uint8_t *planes = data.data;
    for (const rncl_pickle_item *item = labels->items.first; item; item = item->next, planes += PIXELS)
        RNCL_TRY(add_picture(set, v, item->value->kind == RNCL_PICKLE_INT ? item->value->integer : -1, planes,
                             path));
    return RNCL_OK;
}

static rncl_status take_file(cifar *set, const variant *v, const rncl_contents *file, const char *path)
{
    if (!v->label_key)
        return take_records(set, v, file, path);
    rncl_pickle pickle;
    RNCL_TRY(rncl_pickle_read(path, *file, &rncl_numpy_rules, &pickle));
    const rncl_status st = take_batch(set, v, &pickle, path);
    rncl_pickle_free(&pickle);
    return st;
}

static rncl_status read_file(cifar *set, const variant *v, const char *folder, const char *name)
{
    char *path = rncl_path_join(folder, name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", name);
    rncl_contents file = {0};
    rncl_status st = RNCL_OK;
    if (!rncl_file_exists(path))
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: missing", path);
    if (!st)
        st = rncl_file_read(path, &file);
    if (!st)
        st = take_file(set, v, &file, path);
    rncl_contents_free(&file);
    free(path);
    return st;
}

static rncl_status read_split(cifar *set, const variant *v, const char *folder, rncl_split split)
{
    for (const char *const *name = v->files[split]; *name; name++)
        RNCL_TRY(read_file(set, v, folder, *name));
    return RNCL_OK;
}

/* ---- names ---- */

/* Cuts the text into lines; false unless there are as many as classes. */
static bool split_names(cifar *set, int classes)
{
    int count = 0;
    char *rest = set->text, *line;
    while ((line = strsep(&rest, "\r\n"))) {
        if (!*line)
            continue;
        if (count < classes)
            set->names[count] = line;
        count++;
    }
    return count == classes;
}

static rncl_status copy_names(cifar *set, const rncl_contents *file, const char *path)
{
    set->text = calloc(1, file->size_bytes + 1);
    if (!set->text)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for it", path);
    if (file->size_bytes)
        memcpy(set->text, file->data, file->size_bytes);
    return RNCL_OK;
}

/* A pickle's list (NULL: none) as lines, as the other form has them. Texts can be repeated in few bytes:
 * names that are larger than their file are left out, which makes them too few. */
static rncl_status join_names(cifar *set, const rncl_pickle_value *list, const rncl_contents *file,
                              const char *path)
{
    set->text = calloc(1, file->size_bytes + 1);
    if (!set->text)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for it", path);
    char *to = set->text, *const end = to + file->size_bytes;
    for (const rncl_pickle_item *item = list ? list->items.first : NULL; item; item = item->next) {
        if (item->value->kind != RNCL_PICKLE_TEXT || item->value->text.length >= (size_t)(end - to))
            return RNCL_OK;
        memcpy(to, item->value->text.characters, item->value->text.length);
        to += item->value->text.length;
        *to++ = '\n';
    }
    return RNCL_OK;
}

static rncl_status take_names(cifar *set, const variant *v, const rncl_contents *file, const char *path)
{
    if (!v->names_key)
        return copy_names(set, file, path);
    rncl_pickle pickle;
    RNCL_TRY(rncl_pickle_read(path, *file, &rncl_numpy_rules, &pickle));
    const rncl_status st = join_names(set, find_list(&pickle, v->names_key), file, path);
    rncl_pickle_free(&pickle);
    return st;
}

/* A set without the file has classes without names; one with a strange file is refused. */
static rncl_status read_names(cifar *set, const variant *v, const char *folder)
{
    char *path = rncl_path_join(folder, v->names);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", v->names);
    rncl_contents file = {0};
    rncl_status st = RNCL_OK;
    if (rncl_file_may_exist(path) && !(st = rncl_file_read(path, &file))) {
        st = take_names(set, v, &file, path);
        if (!st && !split_names(set, v->classes))
            st = RNCL_FAIL(RNCL_ERR_DATA, "%s: not the names of %d classes", path, v->classes);
    }
    rncl_contents_free(&file);
    free(path);
    return st;
}

/* ---- the reader ---- */

static void forget_pictures(cifar *set)
{
    free(set->pixels);
    free(set->labels);
    set->pixels = set->labels = NULL;
    set->count = 0;
}

/* Mean and deviation are the training split's, whichever is asked for. */
static rncl_status fill(cifar *set, const variant *v, const char *folder, rncl_split split,
                        rncl_dataset_info *info)
{
    RNCL_TRY(read_names(set, v, folder));
    RNCL_TRY(read_split(set, v, folder, RNCL_SPLIT_TRAIN));
    info->classes = v->classes;
    info->height = info->width = SIZE;
    info->channels = CHANNELS;
    info->labels = set->text ? set->names : NULL;
    rncl_picture_statistics(set->pixels, (size_t)set->count * PLANE, CHANNELS, info->mean, info->std);
    if (split != RNCL_SPLIT_TRAIN) {
        forget_pictures(set);
        RNCL_TRY(read_split(set, v, folder, split));
    }
    info->count = set->count;
    return RNCL_OK;
}

static rncl_status open_cifar(rncl_dataset *dataset, const rncl_dataset_options *options)
{
    const variant *which;
    cifar *set = calloc(1, sizeof *set);
    dataset->state = set;
    char *folder = set ? find_folder(options->path, &which) : NULL;
    if (!folder)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it", options->path);
    rncl_status st = fill(set, which, folder, options->split, &dataset->info);
    free(folder);
    return st;
}

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    const cifar *set = dataset->state;
    return set->labels[index];
}

static rncl_status read_picture(const rncl_dataset *dataset, uint32_t index, uint8_t *pixels, int *label)
{
    assert(index < dataset->info.count);
    const cifar *set = dataset->state;
    memcpy(pixels, set->pixels + (size_t)index * PIXELS, PIXELS);
    *label = label_of(dataset, index);
    return RNCL_OK;
}

static void close_cifar(rncl_dataset *dataset)
{
    cifar *set = dataset->state;
    if (set) {
        forget_pictures(set);
        free(set->text);
    }
    free(set);
}

const rncl_reader rncl_reader_cifar = {.name = "cifar",
                                       .recognises = recognises,
                                       .open = open_cifar,
                                       .read = read_picture,
                                       .label = label_of,
                                       .close = close_cifar};
