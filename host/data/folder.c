/* The reader of class folders of PNG, JPEG and WebP: train/CLASS/… with val/CLASS/…, or CLASS/… of which a
 * share is for validation. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "class_tree.h"
#include "folder_parts.h"
#include "folder_split.h"
#include "folder_walk.h"
#include "image_cache.h"
#include "image_file.h"
#include "readers.h"
#include "utf8.h"
#include "util.h"

enum { CHANNELS = 3 };

typedef struct folder {
    rncl_class_tree training;
    char **labels; /* its classes, in UTF-8 */
    rncl_class_tree validation;
    const rncl_class_file *files; /* of the split, from one of the trees */
    rncl_image_cache *cache;      /* NULL: none */
    bool turn;                    /* pictures come upright */
} folder;

static rncl_status look_for_any(void *user, const char *path, const struct dirent *entry)
{
    bool *found = user;
    *found |= rncl_walk_is_folder(path, entry) || rncl_walk_is_picture(path);
    return RNCL_OK;
}

/* Pictures without class folders are a mistake that opening explains. */
static int recognises(const char *path)
{
    bool found = false;
    return rncl_walk(path, look_for_any, &found) == RNCL_OK && found;
}

/* ---- opening ---- */

/* Squares no larger than this have been made for a network, and give it its size. */
enum { LARGEST_INPUT = 224 };

/* The height and width of the set's pictures if all that are looked at are small squares of one size, or 0.
 * They are evenly spaced. */
static uint32_t usual_size(const rncl_class_tree *tree)
{
    enum { LOOKED_AT = 64 };
    uint32_t usual = 0;
    for (uint32_t i = 0; i < LOOKED_AT; i++) {
        rncl_image_header header;
        const uint32_t index = (uint32_t)((uint64_t)i * tree->file_count / LOOKED_AT);
        if (rncl_image_file_probe(tree->files[index].path, &header))
            continue; /* bad ones are found out when they are read */
        if (header.height != header.width || header.height > LARGEST_INPUT ||
            (usual && header.height != usual))
            return 0;
        usual = header.height;
    }
    return usual;
}

static void tell(const rncl_defects *defects, const rncl_dataset_options *options)
{
    enum { MOST_TOLD = 10 };
    size_t told = 0, more = 0;
    for (size_t i = 0; i < defects->count; i++) {
        const rncl_defect *defect = &defects->items[i];
        if (defect->kind < RNCL_DEFECT_LEFT_OUT)
            continue;
        if (told == MOST_TOLD) {
            more++;
            continue;
        }
        told++;
        rncl_log_line(options->log, RNCL_LOG_WARNING, "left out: %s: %s", defect->path, defect->text);
    }
    if (more)
        rncl_log_line(options->log, RNCL_LOG_WARNING, "and %zu more; `rncl check-data %s` lists them", more,
                      options->path);
}

/* What the scan has found: told and passed over, or an error. Where both splits come from one folder,
 * training tells. */
static rncl_status judge(const rncl_defects *defects, const rncl_dataset_options *options, bool tells)
{
    const rncl_defect *first = rncl_defects_first(defects, RNCL_DEFECT_WRONG);
    if (first && !options->skip_bad)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: %s (%zu such files and folders in all); remove them, or leave them out with "
                         "--bad-images skip; `rncl check-data %s` lists them",
                         first->path, first->text, rncl_defects_count(defects, RNCL_DEFECT_WRONG),
                         options->path);
    if (tells)
        tell(defects, options);
    return RNCL_OK;
}

/* Where bad pictures are skipped, a class of nothing else is none. */
static rncl_status drop_spoilt_classes(rncl_class_tree *tree, const rncl_log *log)
{
    bool *good = calloc((size_t)tree->class_count + 1, sizeof *good);
    if (!good)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to check %u classes", (unsigned)tree->class_count);
    for (uint32_t i = 0; i < tree->file_count; i++) {
        rncl_image_header header;
        bool *of_class = &good[tree->files[i].class_index];
        *of_class = *of_class || !rncl_image_file_check(tree->files[i].path, &header);
    }
    for (uint32_t i = tree->class_count; i-- > 0;) {
        if (good[i])
            continue;
        rncl_log_line(log, RNCL_LOG_WARNING, "left out: class %s: none of its pictures can be read",
                      tree->classes[i]);
        rncl_class_tree_remove(tree, i);
    }
    free(good);
    return RNCL_OK;
}

/* Both splits look at the training folder, and training tells. */
static const rncl_log *log_of(const rncl_dataset_options *options)
{
    return options->split == RNCL_SPLIT_TRAIN ? options->log : NULL;
}

static rncl_status list_classes(folder *f, const rncl_folder_parts *parts,
                                const rncl_dataset_options *options, rncl_defects *defects)
{
    RNCL_TRY(rncl_class_tree_scan(parts->training, &f->training, defects));
    const bool any = f->training.class_count > 0;
    if (options->skip_bad)
        RNCL_TRY(drop_spoilt_classes(&f->training, log_of(options)));
    if (any && f->training.class_count == 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: none of the pictures can be read; `rncl check-data %s` says why",
                         parts->training, options->path);
    return rncl_class_tree_check(&f->training, defects, parts->training, options->classes > 0);
}

/* The split's pictures are a share of those in the one folder. */
static rncl_status choose_share(folder *f, const rncl_folder_parts *parts,
                                const rncl_dataset_options *options, const rncl_defects *defects)
{
    const bool training = options->split == RNCL_SPLIT_TRAIN;
    RNCL_TRY(judge(defects, options, training));
    if (training)
        rncl_log_line(options->log, RNCL_LOG_NOTE,
                      "%s: no validation folder: %g %% of each class are held back for validation",
                      parts->training, 100 * (double)options->val_split);
    return rncl_folder_keep_split(&f->training, parts->training, options->val_split, options->split);
}

/* The split's pictures are all those of the validation folder; the training folder has named the classes. */
static rncl_status choose_validation(folder *f, const rncl_folder_parts *parts,
                                     const rncl_dataset_options *options)
{
    rncl_defects defects = {0};
    rncl_status st = rncl_class_tree_scan(parts->validation, &f->validation, &defects);
    if (!st)
        st = rncl_folder_match_classes(&f->validation, &f->training, &defects);
    if (!st)
        st = judge(&defects, options, true);
    rncl_defects_fini(&defects);
    return st;
}

/* Chooses the split's files; the trees have been zeroed. */
static rncl_status choose_files(folder *f, const rncl_folder_parts *parts,
                                const rncl_dataset_options *options, rncl_defects *defects,
                                rncl_dataset_info *info)
{
    RNCL_TRY(list_classes(f, parts, options, defects));
    info->usual_size = (int)usual_size(&f->training);
    const rncl_class_tree *chosen = &f->training;
    info->is_share = !parts->validation;
    if (info->is_share) {
        RNCL_TRY(choose_share(f, parts, options, defects));
    } else if (options->split == RNCL_SPLIT_TRAIN) {
        RNCL_TRY(judge(defects, options, true));
    } else {
        RNCL_TRY(choose_validation(f, parts, options));
        chosen = &f->validation;
    }
    if (chosen->file_count == 0)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: no pictures for %s; add some to each class, or give another --val-split",
                         options->path, options->split == RNCL_SPLIT_TRAIN ? "training" : "validation");
    f->files = chosen->files;
    info->count = chosen->file_count;
    return RNCL_OK;
}

static rncl_status name_classes(folder *f)
{
    f->labels = calloc(f->training.class_count, sizeof *f->labels);
    for (uint32_t i = 0; i < f->training.class_count; i++)
        if (!f->labels || !(f->labels[i] = rncl_utf8_text(f->training.classes[i])))
            return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the names of %u classes",
                             (unsigned)f->training.class_count);
    return RNCL_OK;
}

static void describe(const folder *f, rncl_dataset_info *info)
{
    info->classes = (int)f->training.class_count;
    info->channels = CHANNELS;
    info->labels = (const char *const *)f->labels;
    /* ImageNet's, as everywhere in torchvision: models for these pictures expect them. */
    static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
    memcpy(info->mean, mean, sizeof mean);
    memcpy(info->std, std, sizeof std);
}

static rncl_status open_folder(rncl_dataset *dataset, const rncl_dataset_options *options)
{
    folder *f = calloc(1, sizeof *f);
    dataset->state = f;
    if (!f)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to open it", options->path);
    f->turn = !options->ignore_exif;
    rncl_defects defects = {0};
    rncl_folder_parts parts;
    rncl_status st = rncl_folder_parts_find(options->path, options->classes == 1, log_of(options), &parts);
    if (!st)
        st = choose_files(f, &parts, options, &defects, &dataset->info);
    rncl_folder_parts_fini(&parts);
    rncl_defects_fini(&defects);
    RNCL_TRY(st);
    RNCL_TRY(name_classes(f));
    describe(f, &dataset->info);
    return options->cache_bytes
               ? rncl_image_cache_create(dataset->info.count, options->cache_bytes, &f->cache)
               : RNCL_OK;
}

static void close_folder(rncl_dataset *dataset)
{
    folder *f = dataset->state;
    if (!f)
        return;
    rncl_image_cache_destroy(f->cache);
    for (uint32_t i = 0; f->labels && i < f->training.class_count; i++)
        free(f->labels[i]);
    free(f->labels);
    rncl_class_tree_fini(&f->training);
    rncl_class_tree_fini(&f->validation);
    free(f);
}

/* ---- reading ---- */

static int label_of(const rncl_dataset *dataset, uint32_t index)
{
    const folder *f = dataset->state;
    return (int)f->files[index].class_index;
}

static rncl_status decode(const rncl_dataset *dataset, uint32_t index, const rncl_detail *detail,
                          rncl_image *image, int *label)
{
    assert(index < dataset->info.count);
    const folder *f = dataset->state;
    *label = label_of(dataset, index);
    if (f->cache && rncl_image_cache_get(f->cache, index, detail, image))
        return RNCL_OK;
    rncl_status st = rncl_image_file_decode(f->files[index].path, detail, f->turn, image);
    if (!st && f->cache)
        rncl_image_cache_put(f->cache, index, detail, image);
    if ((st == RNCL_ERR_DATA || st == RNCL_ERR_IO) && !dataset->skips)
        return RNCL_FAIL(st, "%s; --bad-images skip leaves such files out, `rncl check-data` lists them",
                         rncl_status_message());
    return st;
}

/* The length of the folder that all files are in, with its slash. */
static size_t common_prefix(const folder *f, uint32_t count)
{
    const char *first = f->files[0].path;
    size_t length = strlen(first);
    for (uint32_t i = 0; i < count; i++) {
        size_t same = 0;
        while (same < length && f->files[i].path[same] == first[same])
            same++;
        length = same;
    }
    while (length > 0 && first[length - 1] != '/')
        length--;
    return length;
}

/* A file that has gone has no size; reading it will tell. */
static uint64_t identify(const rncl_dataset *dataset, uint64_t hash)
{
    const folder *f = dataset->state;
    const size_t prefix = common_prefix(f, dataset->info.count);
    for (uint32_t i = 0; i < dataset->info.count; i++) {
        const char *name = f->files[i].path + prefix;
        struct stat info;
        const int64_t size_bytes = stat(f->files[i].path, &info) ? -1 : (int64_t)info.st_size;
        hash = rncl_hash(hash, name, strlen(name) + 1);
        hash = rncl_hash(hash, &size_bytes, sizeof size_bytes);
    }
    return hash;
}

const rncl_reader rncl_reader_folder = {.name = "folder",
                                        .recognises = recognises,
                                        .open = open_folder,
                                        .decode = decode,
                                        .label = label_of,
                                        .identify = identify,
                                        .close = close_folder};
