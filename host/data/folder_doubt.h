/* Folders that are not class folders, whatever their place: refused where that is certain, said where it may
 * be. */
#ifndef RNCL_DATA_FOLDER_DOUBT_H
#define RNCL_DATA_FOLDER_DOUBT_H

#include <stdbool.h>

#include "folder_listing.h"
#include "log.h"

/* Whether all folders hold pictures and no class folders, and only one has the name of a split: then they are
 * classes, as of vehicles with a folder of trains. */
bool rncl_folder_are_classes(const char *path, const rncl_listing *listing);

/* `listing` is that of `path`, whose folders are to be classes. RNCL_ERR_DATA, with what was found and what
 * to do, if they cannot be: other splits, splits inside of classes or in their names, folds for
 * cross-validation, masks beside pictures, pictures alone. */
rncl_status rncl_folder_refuse(const char *path, const rncl_listing *listing);

/* Tells of pictures that count for another class than may be meant, or for none: those of folders inside of
 * the class folders, and those beside them. `log` may be NULL. */
void rncl_folder_tell(const char *path, const rncl_listing *listing, const rncl_log *log);

#endif
