/* Layouts of folders, as people and archives make them. What is found decides only where it can mean one
 * thing. */
#include "folder_parts.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "folder_doubt.h"
#include "util.h"

/* ---- choosing ---- */

/* The first of `preferred` that there is; NULL: none of them. */
static const char *find_preferred(const rncl_listing *l, const char *const *preferred)
{
    for (; *preferred; preferred++)
        for (size_t i = 0; i < l->count; i++)
            if (!strcmp(l->folders[i], *preferred))
                return l->folders[i];
    return NULL;
}

/* *part: the folder of that role, or NULL if there is none. Of several, the first of `preferred` decides. */
static rncl_status choose(const char *path, const rncl_listing *l, rncl_role wanted,
                          const char *const *preferred, char **part)
{
    *part = NULL;
    const char *name = find_preferred(l, preferred);
    if (!name && rncl_listing_count(l, wanted) > 1)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: both %s and %s could be meant; rename or move one of them", path,
                         rncl_listing_find(l, wanted, 0), rncl_listing_find(l, wanted, 1));
    if (!name)
        name = rncl_listing_find(l, wanted, 0);
    if (name)
        *part = rncl_path_join(path, name);
    return !name || *part ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
}

/* ---- levels ---- */

/* Goes down while there is nothing but one folder, and ends at one with several (or with a folder for
 * training, if `splits` may be there); otherwise *path stays. */
static rncl_status descend(char **path, bool splits)
{
    enum { MOST_LEVELS = 8 };
    rncl_status st = RNCL_OK;
    char *at = strdup(*path);
    for (int level = 0; at && !st && level < MOST_LEVELS; level++) {
        rncl_listing l;
        st = rncl_listing_read(at, &l);
        char *below = !st && l.count == 1 && l.pictures == 0 ? rncl_path_join(at, l.folders[0]) : NULL;
        const bool several = l.count > 1 || (splits && rncl_listing_count(&l, RNCL_TRAINING) == 1);
        rncl_listing_fini(&l);
        if (!below || several) {
            free(below);
            if (!st && several && level > 0) {
                free(*path);
                *path = at;
                return RNCL_OK;
            }
            break;
        }
        free(at);
        at = below;
    }
    free(at);
    return st;
}

/* ILSVRC2012_img_train and ILSVRC2012_img_val: *name is the one folder of a role where all names are of
 * splits, and the same but for that. NULL: it is not so, or none has the role. */
static const char *find_alike(const rncl_listing *l, rncl_role wanted)
{
    const char *name = NULL;
    char all[RNCL_ROLE_REST] = "", rest[RNCL_ROLE_REST];
    for (size_t i = 0; i < l->count; i++) {
        const rncl_role role = rncl_role_within(l->folders[i], rest);
        if (i == 0)
            memcpy(all, rest, sizeof all);
        if (role == RNCL_NO_ROLE || strcmp(rest, all) != 0 || (role == wanted && name))
            return NULL;
        if (role == wanted)
            name = l->folders[i];
    }
    return name;
}

static rncl_status find_alike_splits(const char *path, const rncl_listing *l, rncl_folder_parts *out)
{
    const char *training = find_alike(l, RNCL_TRAINING), *validation = find_alike(l, RNCL_VALIDATION);
    if (!validation)
        validation = find_alike(l, RNCL_TEST);
    if (!training || !validation)
        return RNCL_OK;
    out->training = rncl_path_join(path, training);
    out->validation = rncl_path_join(path, validation);
    return out->training && out->validation ? RNCL_OK
                                            : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
}

static rncl_status find_splits(const char *path, const rncl_listing *l, rncl_folder_parts *out)
{
    static const char *const training[] = {"train", NULL},
                             *const validation[] = {"val", "valid", "validation", NULL},
                             *const test[] = {"test", NULL};
    RNCL_TRY(choose(path, l, RNCL_TRAINING, training, &out->training));
    if (!out->training)
        return find_alike_splits(path, l, out);
    RNCL_TRY(choose(path, l, RNCL_VALIDATION, validation, &out->validation));
    return out->validation ? RNCL_OK : choose(path, l, RNCL_TEST, test, &out->validation);
}

/* The folder for training was given: its neighbour is for validation, most likely. */
static void tell_of_neighbours(const char *path, const rncl_log *log)
{
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    rncl_listing beside = {0};
    if (slash && slash != real && rncl_role_of(slash + 1) == RNCL_TRAINING) {
        *slash = '\0';
        if (!rncl_listing_read(real, &beside) &&
            rncl_listing_count(&beside, RNCL_VALIDATION) + rncl_listing_count(&beside, RNCL_TEST) > 0)
            rncl_log_line(
                log, RNCL_LOG_NOTE,
                "%s: read as class folders, without the validation pictures beside it; give %s for both",
                path, real);
        rncl_listing_fini(&beside);
    }
    free(real);
}

/* Without class folders pictures have no labels. Those of tests are often meant to have none; training then
 * does without them. */
static rncl_status check_validation(rncl_folder_parts *parts, const rncl_log *log)
{
    rncl_listing l;
    rncl_status st = rncl_listing_read(parts->validation, &l);
    const char *slash = strrchr(parts->validation, '/');
    if (!st && l.count == 0 && rncl_role_of(slash ? slash + 1 : parts->validation) == RNCL_TEST) {
        rncl_log_line(log, RNCL_LOG_NOTE,
                      "%s: %zu pictures without class folders, so without labels, are not used",
                      parts->validation, l.pictures);
        free(parts->validation);
        parts->validation = NULL;
    } else if (!st && l.count == 0) {
        st = RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: %zu pictures, but no class folders as in %s; sort them into such, or move this folder away, "
            "and a share of the training pictures is held back instead",
            parts->validation, l.pictures, parts->training);
    }
    rncl_listing_fini(&l);
    return st;
}

static rncl_status check_training(const char *training, const rncl_log *log)
{
    rncl_listing l;
    rncl_status st = rncl_listing_read(training, &l);
    if (!st)
        st = rncl_folder_refuse(training, &l);
    if (!st)
        rncl_folder_tell(training, &l, log);
    rncl_listing_fini(&l);
    return st;
}

static rncl_status find(char **path, bool one_class, const rncl_log *log, rncl_folder_parts *out)
{
    rncl_listing l;
    if (!one_class)
        RNCL_TRY(descend(path, true));
    rncl_status st = rncl_listing_read(*path, &l);
    if (!st && !rncl_folder_are_classes(*path, &l))
        st = find_splits(*path, &l, out);
    /* train/train, as some archives are packed */
    if (!st && out->training && !one_class)
        st = descend(&out->training, false);
    if (!st && out->validation && !one_class)
        st = descend(&out->validation, false);
    if (!st && !out->training) {
        out->training = strdup(*path);
        tell_of_neighbours(*path, log);
    }
    if (!st && out->training)
        st = check_training(out->training, log);
    if (!st && out->validation)
        st = check_validation(out, log);
    rncl_listing_fini(&l);
    return st;
}

rncl_status rncl_folder_parts_find(const char *path, bool one_class, const rncl_log *log,
                                   rncl_folder_parts *out)
{
    *out = (rncl_folder_parts){0};
    char *at = strdup(path);
    rncl_status st = at ? find(&at, one_class, log, out) : RNCL_OK;
    if (!st && !out->training)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
    free(at);
    return st;
}

void rncl_folder_parts_fini(rncl_folder_parts *parts)
{
    free(parts->training);
    free(parts->validation);
    *parts = (rncl_folder_parts){0};
}
