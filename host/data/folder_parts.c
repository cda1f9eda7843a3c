/* Layouts of folders, as people and archives make them. What is found decides only where it can mean one
 * thing. */
#include "folder_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "folder_walk.h"
#include "util.h"

/* ---- names of splits ---- */

typedef enum role { NO_ROLE, TRAINING, VALIDATION, TEST } role;

static const struct {
    const char *name;
    role role;
} roles[] = {
    {"train", TRAINING},   {"training", TRAINING},     {"trn", TRAINING},        {"val", VALIDATION},
    {"valid", VALIDATION}, {"validation", VALIDATION}, {"validate", VALIDATION}, {"dev", VALIDATION},
    {"eval", VALIDATION},  {"evaluation", VALIDATION}, {"test", TEST},           {"testing", TEST},
    {"tst", TEST},
};

/* Words around the name of a split, as in seg_train, TrainSet, test-images. */
static const char *const around[] = {"seg",     "images", "image", "imgs",  "data",
                                     "dataset", "set",    "split", "folder"};

/* Lower case, without separators. */
static void squeeze(const char *name, char *text, size_t size)
{
    size_t length = 0;
    for (; *name && length + 1 < size; name++)
        if (!strchr("_-. ", *name))
            text[length++] = (char)tolower((unsigned char)*name);
    text[length] = '\0';
}

static role role_of_word(const char *word)
{
    for (size_t i = 0; i < COUNT(roles); i++)
        if (!strcmp(roles[i].name, word))
            return roles[i].role;
    return NO_ROLE;
}

static role role_of(const char *name)
{
    char text[64];
    squeeze(name, text, sizeof text);
    role found = role_of_word(text);
    const size_t length = strlen(text);
    for (size_t i = 0; i < COUNT(around) && found == NO_ROLE; i++) {
        const size_t extra = strlen(around[i]);
        if (length > extra && !strncmp(text, around[i], extra))
            found = role_of_word(text + extra);
        if (found == NO_ROLE && length > extra && !strcmp(text + length - extra, around[i])) {
            text[length - extra] = '\0';
            found = role_of_word(text);
            text[length - extra] = around[i][0];
        }
    }
    return found;
}

/* ---- what a folder holds ---- */

typedef struct listing {
    char **folders; /* names, in order, of those that hold pictures */
    size_t count;
    size_t pictures; /* that lie in the folder itself */
} listing;

static rncl_status note_entry(void *user, const char *path, const struct dirent *entry)
{
    listing *l = user;
    if (!rncl_walk_is_folder(path, entry)) {
        l->pictures += rncl_walk_is_picture(path);
        return RNCL_OK;
    }
    bool holds;
    RNCL_TRY(rncl_walk_holds_pictures(path, &holds));
    if (!holds)
        return RNCL_OK;
    char **folders = realloc(l->folders, (l->count + 1) * sizeof *folders);
    if (folders)
        l->folders = folders;
    char *name = folders ? strdup(entry->d_name) : NULL;
    if (!name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", path);
    l->folders[l->count++] = name;
    return RNCL_OK;
}

/* The caller forgets it, also after a failure. */
static rncl_status list(const char *path, listing *out)
{
    *out = (listing){0};
    return rncl_walk(path, note_entry, out);
}

static void forget(listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->folders[i]);
    free(l->folders);
    *l = (listing){0};
}

static size_t count_role(const listing *l, role wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        count += role_of(l->folders[i]) == wanted;
    return count;
}

/* ---- choosing ---- */

/* The first of `preferred` that there is; NULL: none of them. */
static const char *find_preferred(const listing *l, const char *const *preferred)
{
    for (; *preferred; preferred++)
        for (size_t i = 0; i < l->count; i++)
            if (!strcmp(l->folders[i], *preferred))
                return l->folders[i];
    return NULL;
}

/* Number `n` of those with that role. */
static const char *find_role(const listing *l, role wanted, size_t n)
{
    for (size_t i = 0; i < l->count; i++)
        if (role_of(l->folders[i]) == wanted && n-- == 0)
            return l->folders[i];
    return NULL;
}

/* *part: the folder of that role, or NULL if there is none. Of several, the first of `preferred` decides. */
static rncl_status choose(const char *path, const listing *l, role wanted, const char *const *preferred,
                          char **part)
{
    *part = NULL;
    const char *name = find_preferred(l, preferred);
    if (!name && count_role(l, wanted) > 1)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: both %s and %s could be meant; rename or move one of them", path,
                         find_role(l, wanted, 0), find_role(l, wanted, 1));
    if (!name)
        name = find_role(l, wanted, 0);
    if (name)
        *part = rncl_path_join(path, name);
    return !name || *part ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", path);
}

/* Whether each class has its own folder for training in it. */
static bool splits_are_in_classes(const char *path, const listing *l)
{
    size_t split = 0;
    for (size_t i = 0; i < l->count; i++) {
        char *class = rncl_path_join(path, l->folders[i]);
        listing inside;
        if (class && !list(class, &inside))
            split += count_role(&inside, TRAINING) > 0 && inside.pictures == 0;
        if (class)
            forget(&inside);
        free(class);
    }
    return l->count > 1 && split == l->count;
}

/* Whether all folders hold pictures and no class folders, and only one has the name of a split: then they are
 * classes, as of vehicles with a folder of trains. */
static bool are_all_classes(const char *path, const listing *l)
{
    size_t flat = 0;
    for (size_t i = 0; i < l->count; i++) {
        char *class = rncl_path_join(path, l->folders[i]);
        listing inside = {0};
        if (class && !list(class, &inside))
            flat += inside.pictures > 0 && inside.count == 0;
        forget(&inside);
        free(class);
    }
    return l->count > 1 && flat == l->count && count_role(l, NO_ROLE) == l->count - 1;
}

/* ---- refusals ---- */

static rncl_status refuse_pictures(const char *path, const listing *l)
{
    return RNCL_FAIL(RNCL_ERR_DATA,
                     "%s: %zu pictures, but no class folders: each class is a folder of pictures; give the "
                     "folder above if this is one of them (%s/..)",
                     path, l->pictures, path);
}

static rncl_status check_flat(const char *path, const listing *l)
{
    if (l->count == 0 && l->pictures > 0)
        return refuse_pictures(path, l);
    const size_t others = count_role(l, VALIDATION) + count_role(l, TEST);
    if (l->count > 0 && others == l->count)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: found %s, but no folder for training: add %s/train, or give %s/%s for a share of "
            "its class folders",
            path, l->folders[0], path, path, l->folders[0]);
    if (splits_are_in_classes(path, l))
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: each class (%s, …) has a folder for training of its own; move them to "
                         "%s/train/%s, … and the others to %s/val/%s, …",
                         path, l->folders[0], path, l->folders[0], path, l->folders[0]);
    return RNCL_OK;
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
        listing l;
        st = list(at, &l);
        char *below = !st && l.count == 1 && l.pictures == 0 ? rncl_path_join(at, l.folders[0]) : NULL;
        const bool several = l.count > 1 || (splits && count_role(&l, TRAINING) == 1);
        forget(&l);
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

static rncl_status find_splits(const char *path, const listing *l, rncl_folder_parts *out)
{
    static const char *const training[] = {"train", NULL},
                             *const validation[] = {"val", "valid", "validation", NULL},
                             *const test[] = {"test", NULL};
    RNCL_TRY(choose(path, l, TRAINING, training, &out->training));
    if (!out->training)
        return RNCL_OK;
    RNCL_TRY(choose(path, l, VALIDATION, validation, &out->validation));
    return out->validation ? RNCL_OK : choose(path, l, TEST, test, &out->validation);
}

/* The folder for training was given: its neighbour is for validation, most likely. */
static void tell_of_neighbours(const char *path, const rncl_log *log)
{
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    listing beside = {0};
    if (slash && slash != real && role_of(slash + 1) == TRAINING) {
        *slash = '\0';
        if (!list(real, &beside) && count_role(&beside, VALIDATION) + count_role(&beside, TEST) > 0)
            rncl_log_line(
                log, RNCL_LOG_NOTE,
                "%s: read as class folders, without the validation pictures beside it; give %s for both",
                path, real);
        forget(&beside);
    }
    free(real);
}

static rncl_status find(char **path, bool one_class, const rncl_log *log, rncl_folder_parts *out)
{
    listing l;
    if (!one_class)
        RNCL_TRY(descend(path, true));
    rncl_status st = list(*path, &l);
    if (!st && !are_all_classes(*path, &l))
        st = find_splits(*path, &l, out);
    /* train/train, as some archives are packed */
    if (!st && out->training && !one_class)
        st = descend(&out->training, false);
    if (!st && out->validation && !one_class)
        st = descend(&out->validation, false);
    if (!st && !out->training) {
        st = check_flat(*path, &l);
        out->training = strdup(*path);
        if (!st)
            tell_of_neighbours(*path, log);
    }
    forget(&l);
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
