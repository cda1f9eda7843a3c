/* The files of a folder of class folders: CLASS/…/picture. Nothing is opened; what is there is told by names.
 */
#ifndef RNCL_DATA_CLASS_TREE_H
#define RNCL_DATA_CLASS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "problems.h"
#include "status.h"

typedef struct rncl_class_file {
    char *path; /* whole */
    uint32_t class_index;
} rncl_class_file;

/* Zeroed at first. Classes are the folders' names in the order of their bytes (torchvision's ImageFolder);
 * files are ordered by class and path. Hidden files and folders do not exist. */
typedef struct rncl_class_tree {
    char **classes;
    uint32_t class_count;
    rncl_class_file *files;
    uint32_t file_count;
} rncl_class_tree;

/* Whether the name of a file ends as those of pictures do. */
bool rncl_looks_like_picture(const char *path);

/* Whether there is any folder in `folder` that could be a class. */
bool rncl_class_tree_exists(const char *folder);

/* Lists `folder`. What does not look like a picture, and classes without pictures, become problems.
 * RNCL_ERR_IO if a folder cannot be read. On failure the caller still calls rncl_class_tree_fini. */
rncl_status rncl_class_tree_scan(const char *folder, rncl_class_tree *tree, rncl_problems *problems);
/* Adds a problem for each name of a class or a picture that differs from another in nothing but letter case
 * or suffix. */
rncl_status rncl_class_tree_find_doubles(const rncl_class_tree *tree, rncl_problems *problems);
void rncl_class_tree_fini(rncl_class_tree *tree);

/* The index of the class of that name; class_count if there is none. */
uint32_t rncl_class_tree_find(const rncl_class_tree *tree, const char *name);

#endif
