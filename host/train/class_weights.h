/* What a picture of each class counts for in the loss. */
#ifndef RNCL_TRAIN_CLASS_WEIGHTS_H
#define RNCL_TRAIN_CLASS_WEIGHTS_H

#include "dataset.h"
#include "status.h"

/* `text` is "" (*out NULL: all count the same), "balanced", `classes` numbers separated by commas, or the
 * name of a file with as many numbers, separated by blanks, line ends or commas. Balanced weights are
 * pictures / (classes * pictures of the class), as scikit-learn has them; classes without pictures get 1.
 * RNCL_ERR_USAGE for another number of weights, or one that is not above 0; RNCL_ERR_IO for a file that
 * cannot be read. The caller frees. */
rncl_status rncl_class_weights_make(const char *text, const rncl_dataset *training, int classes, float **out);

/* Whether `text` is the name of a file. */
bool rncl_class_weights_is_file(const char *text);

#endif
