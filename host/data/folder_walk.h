/* Going through folders: which entries count, in an order that the file system has no part in, without going
 * round in circles. */
#ifndef RNCL_DATA_FOLDER_WALK_H
#define RNCL_DATA_FOLDER_WALK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "status.h"

/* PNG, JPEG or WebP, by its suffix. */
bool rncl_walk_is_picture(const char *path);

/* Where the suffix of a path begins; its end if there is none. */
const char *rncl_walk_suffix(const char *path);

/* Links count as what they lead to. */
bool rncl_walk_is_folder(const char *path, const struct dirent *entry);

/* A link to what is not there. */
bool rncl_walk_leads_nowhere(const char *path);

/* `path` is folder/name of the entry. */
typedef rncl_status rncl_walk_visit(void *user, const char *path, const struct dirent *entry);

/* Visits all entries of a folder by the order of their names' bytes, but for hidden ones and what operating
 * systems, archives and notebooks leave behind (folders of theirs that must not be read are visited), and for
 * folders in which rncl left a run or a report. The first failure ends it. RNCL_ERR_IO, before any visit, if
 * the folder cannot be listed; RNCL_ERR_MEMORY. */
rncl_status rncl_walk(const char *folder, rncl_walk_visit *visit, void *user);

/* The folders that one is in: where a link leads to one of them, it leads in a circle. */
enum { RNCL_TRAIL_LONGEST = 128 };
typedef struct rncl_trail {
    size_t count;
    struct {
        dev_t device;
        ino_t number;
    } folders[RNCL_TRAIL_LONGEST];
} rncl_trail;

/* In a folder, and in all that it lies in. */
void rncl_trail_start(rncl_trail *trail, const char *folder);
/* One folder further; false if one is there already. Undone by rncl_trail_leave. */
bool rncl_trail_enter(rncl_trail *trail, const char *folder);
void rncl_trail_leave(rncl_trail *trail);
bool rncl_trail_is_full(const rncl_trail *trail);

/* Whether there is a picture in the folder, at any depth. Fails only when out of memory. */
rncl_status rncl_walk_holds_pictures(const char *folder, bool *out);

#endif
