/* Where rncl's own files are. An installation may be moved, so they are looked for from the file that this
 * code was loaded from: the shared library, or the program that it is linked into. */
#ifndef RNCL_BASE_INSTALLATION_H
#define RNCL_BASE_INSTALLATION_H

/* The first of the files `folder`/`name` that exists, without symbolic links; `folders` ends with NULL.
 * Folders that do not begin with a slash are relative to the folder of this code's file. NULL: none, or out
 * of memory. The caller frees. */
char *rncl_installation_find(const char *const *folders, const char *name);

#endif
