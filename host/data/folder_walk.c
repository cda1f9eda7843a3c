/* Lists by scandir; circles are told by device and inode. */
#include "folder_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp"};

/* Of Windows, macOS, Linux's file systems, Synology and Python; hidden names (.DS_Store, ._*,
 * .ipynb_checkpoints) are not shown anyway. */
static const char *const leftovers[] = {
    "Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db",         "desktop.ini", "$RECYCLE.BIN", "RECYCLER",
    "__MACOSX",  "Icon\r",      "System Volume Information", "lost+found",  "@eaDir",       "__pycache__",
};

/* ---- names ---- */

const char *rncl_walk_suffix(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash) ? dot : path + strlen(path);
}

bool rncl_walk_is_picture(const char *path)
{
    for (size_t i = 0; i < COUNT(suffixes); i++)
        if (!strcasecmp(rncl_walk_suffix(path), suffixes[i]))
            return true;
    return false;
}

static bool is_leftover(const char *name)
{
    for (size_t i = 0; i < COUNT(leftovers); i++)
        if (!strcasecmp(name, leftovers[i]))
            return true;
    return false;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

bool rncl_walk_is_folder(const char *path, const struct dirent *entry)
{
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return rncl_directory_may_exist(path);
}

bool rncl_walk_leads_nowhere(const char *path)
{
    struct stat info;
    return stat(path, &info) != 0 && errno == ENOENT && lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

/* ---- one folder ---- */

/* Files of run folders and of reports. Their plots are pictures, but of no class. */
static const char *const results[] = {"last.ckpt", "confusion.csv"};

static rncl_status holds_results(const char *folder, bool *out)
{
    *out = false;
    for (size_t i = 0; !*out && i < COUNT(results); i++) {
        char *path = rncl_path_join(folder, results[i]);
        if (!path)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", folder);
        *out = access(path, F_OK) == 0;
        free(path);
    }
    return RNCL_OK;
}

/* A folder that must not be read is worth a word, whatever its name. */
static rncl_status is_passed_over(const char *path, const struct dirent *entry, bool *out)
{
    const bool folder = rncl_walk_is_folder(path, entry);
    *out = is_leftover(entry->d_name) && (!folder || access(path, R_OK | X_OK) == 0);
    return folder && !*out ? holds_results(path, out) : RNCL_OK;
}

static rncl_status visit_entry(const char *folder, const struct dirent *entry, rncl_walk_visit *visit,
                               void *user)
{
    char *path = rncl_path_join(folder, entry->d_name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", folder);
    bool passed_over;
    rncl_status st = is_passed_over(path, entry, &passed_over);
    if (!st && !passed_over)
        st = visit(user, path, entry);
    free(path);
    return st;
}

/* By bytes, whatever the locale. */
static int compare_entries(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

rncl_status rncl_walk(const char *folder, rncl_walk_visit *visit, void *user)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_visible, compare_entries);
    if (count < 0)
        return RNCL_FAIL(errno == ENOMEM ? RNCL_ERR_MEMORY : RNCL_ERR_IO, "%s: cannot list the folder: %s",
                         folder, strerror(errno));
    rncl_status st = RNCL_OK;
    for (int i = 0; i < count; i++) {
        if (!st)
            st = visit_entry(folder, entries[i], visit, user);
        free(entries[i]);
    }
    free(entries);
    return st;
}

/* ---- circles ---- */

static bool is_on(const rncl_trail *trail, const struct stat *info)
{
    for (size_t i = 0; i < trail->count; i++)
        if (trail->folders[i].device == info->st_dev && trail->folders[i].number == info->st_ino)
            return true;
    return false;
}

bool rncl_trail_is_full(const rncl_trail *trail)
{
    return trail->count == RNCL_TRAIL_LONGEST;
}

bool rncl_trail_enter(rncl_trail *trail, const char *folder)
{
    struct stat info = {0};
    if (rncl_trail_is_full(trail))
        return false;
    /* What cannot be seen is no circle. Listing it will tell the reason. */
    if (stat(folder, &info) == 0 && is_on(trail, &info))
        return false;
    trail->folders[trail->count].device = info.st_dev;
    trail->folders[trail->count++].number = info.st_ino;
    return true;
}

void rncl_trail_leave(rncl_trail *trail)
{
    trail->count--;
}

void rncl_trail_start(rncl_trail *trail, const char *folder)
{
    enum { MOST_ABOVE = RNCL_TRAIL_LONGEST / 2 };
    *trail = (rncl_trail){0};
    char *above = strdup(folder);
    /* The folder above the topmost one is itself, and has been entered. */
    while (above && trail->count < MOST_ABOVE && rncl_trail_enter(trail, above)) {
        char *next = rncl_path_join(above, "..");
        free(above);
        above = next;
    }
    free(above);
}

/* ---- pictures at any depth ---- */

typedef struct search {
    rncl_trail trail;
    bool found;
} search;

static rncl_status look_at(void *user, const char *path, const struct dirent *entry)
{
    search *s = user;
    if (s->found)
        return RNCL_OK;
    if (!rncl_walk_is_folder(path, entry)) {
        s->found = rncl_walk_is_picture(path);
        return RNCL_OK;
    }
    rncl_status st = RNCL_OK;
    if (rncl_trail_enter(&s->trail, path)) {
        st = rncl_walk(path, look_at, s);
        rncl_trail_leave(&s->trail);
    }
    /* What cannot be listed holds nothing. */
    return st == RNCL_ERR_IO ? RNCL_OK : st;
}

rncl_status rncl_walk_holds_pictures(const char *folder, bool *out)
{
    search s = {.found = false};
    rncl_trail_start(&s.trail, folder);
    const rncl_status st = rncl_walk(folder, look_at, &s);
    *out = s.found;
    return st == RNCL_ERR_IO ? RNCL_OK : st;
}
