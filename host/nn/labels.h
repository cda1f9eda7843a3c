/* Names of classes that do not come with a model: from a file, or ImageNet's. */
#ifndef RNCL_NN_LABELS_H
#define RNCL_NN_LABELS_H

#include "model.h"

#define RNCL_IMAGENET_CLASSES 1000

/* In the order of the outputs of networks trained on ImageNet (ILSVRC 2012). */
extern const char *const rncl_imagenet_labels[RNCL_IMAGENET_CLASSES];

/* Replaces the labels of `meta` by the lines of a text file in UTF-8; an empty last line is none.
 * RNCL_ERR_USAGE if it cannot be read, is not text, or has not `classes` lines (0: any number but none). */
rncl_status rncl_labels_read(const char *path, int classes, rncl_model_meta *meta);

/* Gives ImageNet's names to a meta of that many classes without labels of its own. */
rncl_status rncl_labels_default(int classes, rncl_model_meta *meta);

#endif
