/* Listing of class folders, at any depth. */
#include "class_tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "folder_walk.h"
#include "image_foreign.h"
#include "util.h"

/* A scan under way. */
typedef struct scan {
    rncl_class_tree *tree;
    rncl_defects *defects;
    rncl_trail trail;
} scan;

/* ---- files ---- */

/* Capacities are powers of two. */
static bool is_full(uint32_t count)
{
    return (count & (count - 1)) == 0;
}

static rncl_status add_file(rncl_class_tree *tree, const char *path)
{
    if (is_full(tree->file_count)) {
        rncl_class_file *files =
            realloc(tree->files, MAX((size_t)tree->file_count * 2, 1) * sizeof *tree->files);
        if (!files)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", path);
        tree->files = files;
    }
    char *copy = strdup(path);
    if (!copy)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", path);
    tree->files[tree->file_count++] = (rncl_class_file){.path = copy, .class_index = tree->class_count - 1};
    return RNCL_OK;
}

static rncl_status visit_in_class(void *user, const char *path, const struct dirent *entry);

/* All that is in a folder. One that must not be read is left out, and a link that leads back has been there.
 */
static rncl_status visit_folder(scan *s, const char *path)
{
    if (rncl_trail_is_full(&s->trail))
        return rncl_defects_add(s->defects, RNCL_DEFECT_WRONG, path, "too many folders below each other");
    if (!rncl_trail_enter(&s->trail, path))
        return RNCL_OK;
    rncl_status st = rncl_walk(path, visit_in_class, s);
    rncl_trail_leave(&s->trail);
    if (st == RNCL_ERR_IO)
        st = rncl_defects_add(s->defects, RNCL_DEFECT_LEFT_OUT, path, "the folder cannot be listed");
    return st;
}

static rncl_status visit_in_class(void *user, const char *path, const struct dirent *entry)
{
    scan *s = user;
    if (rncl_walk_is_folder(path, entry))
        return visit_folder(s, path);
    if (rncl_walk_is_picture(path))
        return add_file(s->tree, path);
    const char *foreign = rncl_image_foreign_suffix(rncl_walk_suffix(path));
    return rncl_defects_add(s->defects, RNCL_DEFECT_WRONG, path, "%s",
                            foreign ? foreign : "not a PNG, JPEG or WebP by its name");
}

/* ---- classes ---- */

static rncl_status add_class(rncl_class_tree *tree, const char *name)
{
    if (is_full(tree->class_count)) {
        char **classes = realloc(tree->classes, MAX((size_t)tree->class_count * 2, 1) * sizeof *classes);
        if (!classes)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "class %s: no memory to list it", name);
        tree->classes = classes;
    }
    char *copy = strdup(name);
    if (!copy)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "class %s: no memory to list it", name);
    tree->classes[tree->class_count++] = copy;
    return RNCL_OK;
}

/* Files beside the class folders (a README, a licence) are nobody's concern, but a link that leads nowhere
 * may have been a class, on a disk that is not mounted. A folder without pictures is no class. */
static rncl_status visit_class(void *user, const char *path, const struct dirent *entry)
{
    scan *s = user;
    if (!rncl_walk_is_folder(path, entry))
        return rncl_walk_leads_nowhere(path)
                   ? rncl_defects_add(s->defects, RNCL_DEFECT_LEFT_OUT, path, "a link that leads nowhere")
                   : RNCL_OK;
    const uint32_t before = s->tree->file_count;
    const size_t defects_before = s->defects->count;
    RNCL_TRY(add_class(s->tree, entry->d_name));
    RNCL_TRY(visit_folder(s, path));
    if (s->tree->file_count > before)
        return RNCL_OK;
    free(s->tree->classes[--s->tree->class_count]);
    return s->defects->count > defects_before
               ? RNCL_OK
               : rncl_defects_add(s->defects, RNCL_DEFECT_HARMLESS, path, "no pictures: not a class");
}

rncl_status rncl_class_tree_scan(const char *folder, rncl_class_tree *tree, rncl_defects *defects)
{
    scan s = {.tree = tree, .defects = defects};
    rncl_trail_start(&s.trail, folder);
    return rncl_walk(folder, visit_class, &s);
}

rncl_status rncl_class_tree_check(const rncl_class_tree *tree, const rncl_defects *defects,
                                  const char *folder, bool one_is_enough)
{
    const rncl_defect *first = rncl_defects_first(defects, RNCL_DEFECT_WRONG);
    if (tree->class_count == 0 && first)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: no PNG, JPEG or WebP in class folders, but %zu other files, as %s: %s", folder,
                         rncl_defects_count(defects, RNCL_DEFECT_WRONG), first->path, first->text);
    if (tree->class_count == 0)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: no PNG, JPEG or WebP in class folders; each class is a folder of pictures",
                         folder);
    if (tree->class_count == 1 && first && !one_is_enough)
        return RNCL_FAIL(RNCL_ERR_DATA,
                         "%s: %s is the only class with PNG, JPEG or WebP; of %zu other files %s is %s",
                         folder, tree->classes[0], rncl_defects_count(defects, RNCL_DEFECT_WRONG),
                         first->path, first->text);
    if (tree->class_count == 1 && !one_is_enough)
        return RNCL_FAIL(
            RNCL_ERR_DATA,
            "%s: %s is the only class, and there is nothing to tell it from; give the folder that "
            "holds all class folders, or --classes 1 if this is meant",
            folder, tree->classes[0]);
    return RNCL_OK;
}

void rncl_class_tree_remove(rncl_class_tree *tree, uint32_t class_index)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tree->file_count; i++) {
        rncl_class_file file = tree->files[i];
        if (file.class_index == class_index) {
            free(file.path);
            continue;
        }
        file.class_index -= file.class_index > class_index;
        tree->files[kept++] = file;
    }
    tree->file_count = kept;
    free(tree->classes[class_index]);
    tree->class_count--;
    memmove(tree->classes + class_index, tree->classes + class_index + 1,
            (tree->class_count - class_index) * sizeof *tree->classes);
}

/* ---- names that are too much alike ---- */

/* A path's part that is compared, and where it came from. */
typedef struct compared {
    const char *path;
    size_t length;
} compared;

static int compare_names(const void *left, const void *right)
{
    const compared *a = left, *b = right;
    const int order = strncasecmp(a->path, b->path, MIN(a->length, b->length));
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static rncl_status report_doubles(compared *names, size_t count, const char *what, rncl_defects *defects)
{
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (!compare_names(&names[i - 1], &names[i]))
            RNCL_TRY(rncl_defects_add(defects, RNCL_DEFECT_WRONG, names[i].path, "%s: %s", what,
                                      names[i - 1].path));
    return RNCL_OK;
}

rncl_status rncl_class_tree_find_doubles(const rncl_class_tree *tree, rncl_defects *defects)
{
    compared *names = calloc((size_t)MAX(tree->file_count, tree->class_count) + 1, sizeof *names);
    if (!names)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to compare names");
    for (uint32_t i = 0; i < tree->class_count; i++)
        names[i] = (compared){tree->classes[i], strlen(tree->classes[i])};
    rncl_status st =
        report_doubles(names, tree->class_count, "a class that differs in letter case only", defects);
    for (uint32_t i = 0; i < tree->file_count; i++) {
        const char *path = tree->files[i].path;
        names[i] = (compared){path, (size_t)(rncl_walk_suffix(path) - path)};
    }
    if (!st)
        st = report_doubles(names, tree->file_count, "the same name but for suffix or letter case", defects);
    free(names);
    return st;
}

/* ---- the rest ---- */

void rncl_class_tree_fini(rncl_class_tree *tree)
{
    for (uint32_t i = 0; i < tree->class_count; i++)
        free(tree->classes[i]);
    for (uint32_t i = 0; i < tree->file_count; i++)
        free(tree->files[i].path);
    free(tree->classes);
    free(tree->files);
    *tree = (rncl_class_tree){0};
}

uint32_t rncl_class_tree_find(const rncl_class_tree *tree, const char *name)
{
    uint32_t i = 0;
    while (i < tree->class_count && strcmp(tree->classes[i], name) != 0)
        i++;
    return i;
}
