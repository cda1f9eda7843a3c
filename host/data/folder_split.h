/* The files of class folders that are for training, and those for validation. */
#ifndef RNCL_DATA_FOLDER_SPLIT_H
#define RNCL_DATA_FOLDER_SPLIT_H

#include "class_tree.h"
#include "dataset.h"

/* Of a tree that holds both splits, keeps one. Of each class a share of `val_split`, but at least one picture
 * if there are two, is the validation split: those whose paths below `root` hash lowest, so that the choice
 * depends on the names only, and another picture more changes it by one. */
rncl_status rncl_folder_keep_split(rncl_class_tree *tree, const char *root, float val_split,
                                   rncl_split split);

/* Numbers the classes of a validation tree as the training tree does, and drops the pictures of those that it
 * does not have: a defect each. RNCL_ERR_DATA if training has none of its classes. */
rncl_status rncl_folder_match_classes(rncl_class_tree *validation, const rncl_class_tree *training,
                                      rncl_defects *defects);

#endif
