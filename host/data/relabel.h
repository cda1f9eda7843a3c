/* A data set under other labels: those of a network that knows its classes in another order. */
#ifndef RNCL_DATA_RELABEL_H
#define RNCL_DATA_RELABEL_H

#include "dataset.h"

/* `labels` are the `classes` names of the new labels (borrowed), `new_of` has the new label of each class of
 * the set, or RNCL_NO_LABEL for classes whose pictures do not count; it is copied. Replaces *dataset by one
 * that owns it; on failure (RNCL_ERR_MEMORY) it stays as it is. */
rncl_status rncl_dataset_relabel(rncl_dataset **dataset, const int *new_of, int classes,
                                 const char *const *labels);

#endif
