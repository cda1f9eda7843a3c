/* Where the training and the validation pictures of a folder are: its layout, told by the names in it. */
#ifndef RNCL_DATA_FOLDER_PARTS_H
#define RNCL_DATA_FOLDER_PARTS_H

#include <stdbool.h>

#include "log.h"
#include "status.h"

typedef struct rncl_folder_parts {
    char *training;   /* class folders */
    char *validation; /* class folders; NULL: a share of the training pictures */
} rncl_folder_parts;

/* train, training, Train_Set … beside val, valid, validation, test, Testing …, or class folders without
 * either; also below a folder that is the only one in `path`, unless that is to be the only class
 * (`one_class`). A layout that is not one of these is RNCL_ERR_DATA, with what was found and what to do.
 * `log` (may be NULL) is told what was not taken literally. The caller releases `out`, also after a failure.
 */
rncl_status rncl_folder_parts_find(const char *path, bool one_class, const rncl_log *log,
                                   rncl_folder_parts *out);
void rncl_folder_parts_fini(rncl_folder_parts *parts);

#endif
