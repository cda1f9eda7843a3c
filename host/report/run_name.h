/* What a run is called in pictures. */
#ifndef RNCL_REPORT_RUN_NAME_H
#define RNCL_REPORT_RUN_NAME_H

#include "status.h"

/* "cifar-resnet-20 on photographs": the network and the last part of the data's path from the folder's
 * config.ini, in UTF-8; the folder's own name if there is no such file, or not with these options.
 * RNCL_ERR_IO if it cannot be read; RNCL_ERR_MEMORY. Caller frees the name. */
rncl_status rncl_run_name(const char *folder, char **out);

/* The last part of a path, and more of it where that is empty. */
const char *rncl_path_last(const char *path);

#endif
