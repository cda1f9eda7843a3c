/* Where rncl's own files are. An installation may be moved, so they are looked for from the file that this
 * code was loaded from: the shared library, or the program that it is linked into. */
#ifndef RNCL_BASE_INSTALLATION_H
#define RNCL_BASE_INSTALLATION_H

#include "status.h"

/* *out: the first of the files `folder`/`name` that exists, without symbolic links; the caller frees. NULL if
 * there is none. `folders` ends with NULL; those that do not begin with a slash are relative to the folder of
 * this code's file. RNCL_ERR_MEMORY; RNCL_ERR_IO if a path cannot be looked at, since what may be there is
 * not left out. */
rncl_status rncl_installation_find(const char *const *folders, const char *name, char **out);

#endif
