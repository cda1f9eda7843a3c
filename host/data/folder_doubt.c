/* Layouts that look like class folders. */
#include "folder_doubt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "util.h"

/* ---- what is inside of the folders ---- */

typedef bool quality(const rncl_listing *inside);

/* How many of the folders have it. */
static size_t count_folders(const char *path, const rncl_listing *l, quality *has)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) {
        rncl_listing inside;
        if (!rncl_listing_read_in(path, l->folders[i], &inside))
            count += has(&inside);
        rncl_listing_fini(&inside);
    }
    return count;
}

static bool is_flat(const rncl_listing *inside)
{
    return inside->pictures > 0 && inside->count == 0;
}

static bool is_split(const rncl_listing *inside)
{
    return inside->pictures == 0 && rncl_listing_count(inside, RNCL_TRAINING) > 0;
}

static bool holds_folders(const rncl_listing *inside)
{
    return inside->pictures == 0 && inside->count > 1;
}

/* train, and also test1. */
static bool is_numbered_split(const char *name)
{
    char rest[RNCL_ROLE_REST];
    return rncl_role_of(name) != RNCL_NO_ROLE ||
           (rncl_role_within(name, rest) != RNCL_NO_ROLE && strspn(rest, "0123456789") == strlen(rest));
}

bool rncl_folder_are_classes(const char *path, const rncl_listing *l)
{
    size_t splits = 0;
    for (size_t i = 0; i < l->count; i++)
        splits += is_numbered_split(l->folders[i]);
    return l->count > 1 && splits == 1 && rncl_listing_count(l, RNCL_NO_ROLE) == l->count - 1 &&
           count_folders(path, l, is_flat) == l->count;
}

/* ---- names ---- */

/* fold1, Fold_02, kfold-3, cv4 */
static bool is_fold(const char *name)
{
    static const char *const words[] = {"fold", "kfold", "cv"};
    for (size_t i = 0; i < COUNT(words); i++) {
        const size_t length = strlen(words[i]);
        const char *number = name + length;
        if (strncasecmp(name, words[i], length) != 0)
            continue;
        number += strspn(number, "_-. ");
        if (*number && strspn(number, "0123456789") == strlen(number))
            return true;
    }
    return false;
}

static bool is_one_of(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (!strcasecmp(name, *words))
            return true;
    return false;
}

/* All folders are pictures or what has been drawn over them, and there is one of either at least. *pictures:
 * the first of that kind. */
static bool are_masks(const rncl_listing *l, const char **pictures)
{
    static const char *const images[] = {"images", "image", "imgs", "img", "JPEGImages", "photos", NULL};
    static const char *const masks[] = {"masks",
                                        "mask",
                                        "annotations",
                                        "annotation",
                                        "labels",
                                        "label",
                                        "segmentations",
                                        "segmentation",
                                        "ground_truth",
                                        "gt",
                                        "SegmentationClass",
                                        "SegmentationObject",
                                        "trimaps",
                                        "bboxes",
                                        NULL};
    size_t image_count = 0, mask_count = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (is_one_of(l->folders[i], masks))
            mask_count++;
        else if (is_one_of(l->folders[i], images) && image_count++ == 0)
            *pictures = l->folders[i];
    }
    return image_count > 0 && mask_count > 0 && image_count + mask_count == l->count;
}

/* trainA, trainB, testA, testB: all names are of a split and something else, for two or more classes. *first:
 * of those for training. */
static bool are_splits_of_classes(const rncl_listing *l, const char **first, char rest[RNCL_ROLE_REST])
{
    size_t training = 0, others = 0;
    for (size_t i = 0; i < l->count; i++) {
        char class[RNCL_ROLE_REST];
        const rncl_role role = rncl_role_within(l->folders[i], class);
        if (role == RNCL_NO_ROLE || !class[0])
            return false;
        others += role != RNCL_TRAINING;
        if (role == RNCL_TRAINING && training++ == 0) {
            *first = l->folders[i];
            memcpy(rest, class, RNCL_ROLE_REST);
        }
    }
    return training > 1 && others > 0;
}

/* ---- refusals ---- */

rncl_status rncl_folder_refuse(const char *path, const rncl_listing *l)
{
    const char *first = NULL;
    char rest[RNCL_ROLE_REST];
    size_t folds = 0;
    if (l->count == 0 && l->pictures > 0)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: %zu pictures, but no class folders: each class is a folder of pictures; give the "
            "folder above if this is one of them (%s/..)",
            path, l->pictures, path);
    const size_t others = rncl_listing_count(l, RNCL_VALIDATION) + rncl_listing_count(l, RNCL_TEST);
    if (l->count > 0 && others == l->count)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: found %s, but no folder for training: add %s/train, or give %s/%s for a share of "
            "its class folders",
            path, l->folders[0], path, path, l->folders[0]);
    if (l->count > 1 && count_folders(path, l, is_split) == l->count)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: each class (%s, …) has a folder for training of its own; move them to "
                         "%s/train/%s, … and the others to %s/val/%s, …",
                         path, l->folders[0], path, l->folders[0], path, l->folders[0]);
    if (are_splits_of_classes(l, &first, rest))
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: %s and the others name a split and a class at once; move them to %s/train/%s, … and "
            "%s/val/%s, …",
            path, first, path, rest, path, rest);
    if (are_masks(l, &first))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: %s beside %s are not classes; give %s/%s if that has class folders in it", path,
                         first, first == l->folders[0] ? l->folders[1] : l->folders[0], path, first);
    for (size_t i = 0; i < l->count; i++)
        folds += is_fold(l->folders[i]);
    if (folds > 1 && folds + others == l->count && count_folders(path, l, holds_folders) == l->count)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: %s, %s … look like folds for cross-validation, not like classes; mv %s/%s %s/val to "
            "measure on that, and bring the class folders of the others together in %s/train",
            path, l->folders[0], l->folders[1], path, l->folders[0], path, path);
    return RNCL_OK;
}

/* ---- remarks ---- */

/* Whether a class has no pictures of its own, but several folders of them, perhaps below a single one.
 * *inside: the first of these. */
static bool is_nested(const char *path, const char *name, char **inside)
{
    enum { MOST_LEVELS = 8 };
    char *at = rncl_path_join(path, name);
    bool several = false;
    for (int level = 0; at && !several && level < MOST_LEVELS; level++) {
        rncl_listing l;
        const bool read = rncl_listing_read(at, &l) == RNCL_OK;
        several = read && holds_folders(&l);
        if (several)
            *inside = strdup(l.folders[0]);
        char *below =
            read && !several && l.pictures == 0 && l.count == 1 ? rncl_path_join(at, l.folders[0]) : NULL;
        rncl_listing_fini(&l);
        if (several)
            break;
        free(at);
        at = below;
    }
    free(at);
    return several;
}

static void tell_of_nesting(const char *training, const rncl_listing *l, const rncl_log *log)
{
    char *first = NULL;
    bool nested = l->count > 1 && is_nested(training, l->folders[0], &first);
    for (size_t i = 1; i < l->count && nested; i++) {
        char *inside = NULL;
        nested = is_nested(training, l->folders[i], &inside);
        free(inside);
    }
    if (nested && first)
        rncl_log_line(
            log, RNCL_LOG_NOTE,
            "%s: the classes are the folders %s, …, not those inside of them (%s, …); give %s/%s for those",
            training, l->folders[0], first, training, l->folders[0]);
    free(first);
}

void rncl_folder_tell(const char *path, const rncl_listing *l, const rncl_log *log)
{
    if (!log)
        return;
    if (l->count > 0 && l->pictures > 0)
        rncl_log_line(log, RNCL_LOG_NOTE, "%s: %zu pictures lie beside the class folders and are not used",
                      path, l->pictures);
    tell_of_nesting(path, l, log);
}
