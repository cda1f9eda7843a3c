/* The files of a folder of class folders: CLASS/…/picture. Nothing is opened; what is there is told by names.
 */
#ifndef RNCL_DATA_CLASS_TREE_H
#define RNCL_DATA_CLASS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "defects.h"
#include "status.h"

typedef struct rncl_class_file {
    char *path; /* whole */
    uint32_t class_index;
} rncl_class_file;

/* Zeroed at first. Classes are the folders' names in the order of their bytes (torchvision's ImageFolder);
 * files are ordered by class and path. Folders without pictures are no classes; hidden ones, and what
 * operating systems and archives leave behind, do not exist. */
typedef struct rncl_class_tree {
    char **classes;
    uint32_t class_count;
    rncl_class_file *files;
    uint32_t file_count;
} rncl_class_tree;

/* Lists `folder`. What does not look like a picture, cannot be listed, or holds nothing, becomes a defect.
 * RNCL_ERR_IO if `folder` itself cannot be listed. On failure the caller still calls rncl_class_tree_fini. */
rncl_status rncl_class_tree_scan(const char *folder, rncl_class_tree *tree, rncl_defects *defects);

/* RNCL_ERR_DATA, saying what to do, if there is no class, or only one and `one_is_enough` is false. `folder`
 * is what was scanned, and `defects` what was found then. */
rncl_status rncl_class_tree_check(const rncl_class_tree *tree, const rncl_defects *defects,
                                  const char *folder, bool one_is_enough);

/* Takes a class away, with its files. */
void rncl_class_tree_remove(rncl_class_tree *tree, uint32_t class_index);

/* Adds a defect for each name of a class or a picture that differs from another in nothing but letter case
 * or suffix. */
rncl_status rncl_class_tree_find_doubles(const rncl_class_tree *tree, rncl_defects *defects);
void rncl_class_tree_fini(rncl_class_tree *tree);

/* The index of the class of that name; class_count if there is none. */
uint32_t rncl_class_tree_find(const rncl_class_tree *tree, const char *name);

#endif
