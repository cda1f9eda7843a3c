/* Where the training and the validation pictures of a folder of class folders are. */
#ifndef RNCL_DATA_FOLDER_PARTS_H
#define RNCL_DATA_FOLDER_PARTS_H

#include "class_tree.h"
#include "dataset.h"

typedef struct rncl_folder_parts {
    char *training;   /* the folder's train, or the folder itself */
    char *validation; /* its val, valid, validation or test; NULL: a share of the training pictures */
} rncl_folder_parts;

/* Fails only when out of memory. */
rncl_status rncl_folder_parts_find(const char *path, rncl_folder_parts *out);
void rncl_folder_parts_fini(rncl_folder_parts *parts);

/* Of a tree that holds both splits, keeps one. Of each class a share of `val_split`, but at least one picture
 * if there are two, is the validation split: those whose paths below `root` hash lowest, so that the choice
 * depends on the names only, and another picture more changes it by one. */
rncl_status rncl_folder_keep_split(rncl_class_tree *tree, const char *root, float val_split,
                                   rncl_split split);

/* Numbers the classes of a validation tree as the training tree does, and drops the pictures of those that it
 * does not have: a defect each. */
rncl_status rncl_folder_match_classes(rncl_class_tree *validation, const rncl_class_tree *training,
                                      rncl_defects *defects);

#endif
