/* What a run is called in pictures. */
#ifndef RNCL_REPORT_RUN_NAME_H
#define RNCL_REPORT_RUN_NAME_H

#include <stddef.h>

/* "cifar-resnet-20 on photographs": the network and the last part of the data's path from the folder's
 * config.ini, in UTF-8; the folder's own name if that cannot be read. NULL when out of memory. Caller frees.
 */
char *rncl_run_name(const char *folder);

/* The last part of a path, and more of it where that is empty. */
const char *rncl_path_last(const char *path);

#endif
