/* Which files of class folders are for training, which for validation. */
#include "folder_split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* ---- a share of each class ---- */

typedef struct ranked {
    uint64_t hash;
    uint32_t file;
} ranked;

static int compare_ranked(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->file > b->file) - (a->file < b->file);
}

/* FNV's last bytes hardly reach its high bits, and numbered names differ in nothing else: mixed once more
 * (murmur's finaliser). */
static uint64_t rank_of(const char *name)
{
    uint64_t hash = rncl_hash(RNCL_HASH_START, name, strlen(name));
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static uint32_t validation_count(uint32_t count, float val_split)
{
    const uint32_t share = (uint32_t)lround((double)val_split * count);
    return count < 2 || val_split <= 0 ? 0 : MIN(MAX(share, 1u), count - 1);
}

/* Marks the files of one class, `first` to `end`, that are for validation. */
static void mark_class(const rncl_class_tree *tree, uint32_t first, uint32_t end, size_t root_length,
                       float val_split, ranked *scratch, bool *marks)
{
    for (uint32_t i = first; i < end; i++)
        scratch[i - first] = (ranked){rank_of(tree->files[i].path + root_length), i};
    qsort(scratch, end - first, sizeof *scratch, compare_ranked);
    const uint32_t count = validation_count(end - first, val_split);
    for (uint32_t i = 0; i < count; i++)
        marks[scratch[i].file] = true;
}

/* Keeps the marked files, or the others. */
static void keep_files(rncl_class_tree *tree, const bool *marks, bool marked)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tree->file_count; i++) {
        if (marks[i] == marked)
            tree->files[kept++] = tree->files[i];
        else
            free(tree->files[i].path);
    }
    tree->file_count = kept;
}

rncl_status rncl_folder_keep_split(rncl_class_tree *tree, const char *root, float val_split, rncl_split split)
{
    ranked *scratch = calloc((size_t)tree->file_count + 1, sizeof *scratch);
    bool *marks = calloc((size_t)tree->file_count + 1, sizeof *marks);
    rncl_status st = RNCL_OK;
    if (scratch && marks) {
        /* "pictures" and "pictures/" are one folder */
        const size_t root_length = strlen(root) - (root[strlen(root) - 1] == '/');
        for (uint32_t first = 0, end; first < tree->file_count; first = end) {
            for (end = first; end < tree->file_count; end++)
                if (tree->files[end].class_index != tree->files[first].class_index)
                    break;
            mark_class(tree, first, end, root_length, val_split, scratch, marks);
        }
        keep_files(tree, marks, split == RNCL_SPLIT_VALIDATION);
    } else {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to split it", root);
    }
    free(scratch);
    free(marks);
    return st;
}

/* ---- two folders ---- */

/* *marks: of the files whose class training does not have. */
static rncl_status mark_strangers(rncl_class_tree *validation, const rncl_class_tree *training, bool *marks,
                                  rncl_defects *defects)
{
    uint32_t last = UINT32_MAX, found = 0;
    for (uint32_t i = 0; i < validation->file_count; i++) {
        rncl_class_file *file = &validation->files[i];
        if (file->class_index != last) {
            last = file->class_index;
            found = rncl_class_tree_find(training, validation->classes[last]);
            if (found == training->class_count)
                RNCL_TRY(rncl_defects_add(defects, RNCL_DEFECT_WRONG, file->path,
                                          "of class %s, which training does not have",
                                          validation->classes[last]));
        }
        marks[i] = found == training->class_count;
        file->class_index = found;
    }
    return RNCL_OK;
}

rncl_status rncl_folder_match_classes(rncl_class_tree *validation, const rncl_class_tree *training,
                                      rncl_defects *defects)
{
    bool *marks = calloc((size_t)validation->file_count + 1, sizeof *marks);
    if (!marks)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to compare the classes of training and validation");
    rncl_status st = mark_strangers(validation, training, marks, defects);
    if (!st && validation->file_count > 0 && !memchr(marks, false, validation->file_count))
        st = RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: of class %s, and so are all for validation of classes that training (%s, …) does not have; "
            "sort them into its classes, or move them away, and a share of the training pictures is held "
            "back instead",
            validation->files[0].path, validation->classes[0], training->classes[0]);
    if (!st)
        keep_files(validation, marks, false);
    free(marks);
    return st;
}
