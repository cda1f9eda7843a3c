/* Listing of class folders, at any depth, in an order that the file system has no part in. */
#include "class_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "file.h"
#include "util.h"

enum { DEEPEST = 32 }; /* folders below a class; links may lead in circles */

static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif"};

/* ---- names ---- */

/* Where the suffix of a path begins; its end if there is none. */
static const char *suffix_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash) ? dot : path + strlen(path);
}

bool rncl_looks_like_picture(const char *path)
{
    for (size_t i = 0; i < COUNT(suffixes); i++)
        if (!strcasecmp(suffix_of(path), suffixes[i]))
            return true;
    return false;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale. */
static int compare_entries(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

/* Links count as what they lead to. */
static bool is_folder(const char *path, const struct dirent *entry)
{
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return rncl_directory_exists(path);
}

/* ---- going through a folder ---- */

/* What is done with each entry of a folder. */
typedef struct visitor {
    rncl_class_tree *tree;
    rncl_problems *problems;
    int depth;
    rncl_status (*visit)(const struct visitor *visitor, const char *path, const struct dirent *entry);
} visitor;

static rncl_status visit_all(const visitor *v, const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_visible, compare_entries);
    if (count < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
    rncl_status st = RNCL_OK;
    for (int i = 0; i < count; i++) {
        char *path = st ? NULL : rncl_path_join(folder, entries[i]->d_name);
        if (path)
            st = v->visit(v, path, entries[i]);
        else if (!st)
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", folder);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return st;
}

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

static rncl_status visit_in_class(const visitor *v, const char *path, const struct dirent *entry)
{
    if (is_folder(path, entry)) {
        if (v->depth == DEEPEST)
            return rncl_problems_add(v->problems, path, "too many folders below each other");
        visitor deeper = *v;
        deeper.depth++;
        return visit_all(&deeper, path);
    }
    if (!rncl_looks_like_picture(path))
        return rncl_problems_add(v->problems, path, "not a PNG or JPEG by its name");
    return add_file(v->tree, path);
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

/* Files beside the class folders (a README, a licence) are nobody's concern. */
static rncl_status visit_class(const visitor *v, const char *path, const struct dirent *entry)
{
    if (!is_folder(path, entry))
        return RNCL_OK;
    RNCL_TRY(add_class(v->tree, entry->d_name));
    const uint32_t before = v->tree->file_count;
    const visitor inside = {.tree = v->tree, .problems = v->problems, .visit = visit_in_class};
    RNCL_TRY(visit_all(&inside, path));
    if (v->tree->file_count == before)
        return rncl_problems_add(v->problems, path, "a class without pictures");
    return RNCL_OK;
}

rncl_status rncl_class_tree_scan(const char *folder, rncl_class_tree *tree, rncl_problems *problems)
{
    const visitor v = {.tree = tree, .problems = problems, .visit = visit_class};
    return visit_all(&v, folder);
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

static rncl_status report_doubles(compared *names, size_t count, const char *what, rncl_problems *problems)
{
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (!compare_names(&names[i - 1], &names[i]))
            RNCL_TRY(rncl_problems_add(problems, names[i].path, "%s: %s", what, names[i - 1].path));
    return RNCL_OK;
}

rncl_status rncl_class_tree_find_doubles(const rncl_class_tree *tree, rncl_problems *problems)
{
    compared *names = calloc((size_t)MAX(tree->file_count, tree->class_count) + 1, sizeof *names);
    if (!names)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to compare names");
    for (uint32_t i = 0; i < tree->class_count; i++)
        names[i] = (compared){tree->classes[i], strlen(tree->classes[i])};
    rncl_status st =
        report_doubles(names, tree->class_count, "a class that differs in letter case only", problems);
    for (uint32_t i = 0; i < tree->file_count; i++) {
        const char *path = tree->files[i].path;
        names[i] = (compared){path, (size_t)(suffix_of(path) - path)};
    }
    if (!st)
        st = report_doubles(names, tree->file_count, "the same name but for suffix or letter case", problems);
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

bool rncl_class_tree_exists(const char *folder)
{
    DIR *directory = opendir(folder);
    bool exists = false;
    for (const struct dirent *entry; directory && !exists && (entry = readdir(directory));) {
        char *path = rncl_path_join(folder, entry->d_name);
        exists = path && is_visible(entry) && is_folder(path, entry);
        free(path);
    }
    if (directory)
        closedir(directory);
    return exists;
}

uint32_t rncl_class_tree_find(const rncl_class_tree *tree, const char *name)
{
    uint32_t i = 0;
    while (i < tree->class_count && strcmp(tree->classes[i], name) != 0)
        i++;
    return i;
}
