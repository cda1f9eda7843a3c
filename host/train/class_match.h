/* Which class of a model is which class of a data set. */
#ifndef RNCL_TRAIN_CLASS_MATCH_H
#define RNCL_TRAIN_CLASS_MATCH_H

#include <stdbool.h>

#include "status.h"

/* Names of classes, in order; NULL where there are none. */
typedef struct rncl_class_names {
    const char *const *names;
    int count;
} rncl_class_names;

typedef struct rncl_class_match {
    bool by_name;            /* otherwise class 0 is class 0, and the fields below are empty */
    int *model_of;           /* [classes of the data] the model's class, or RNCL_NO_LABEL */
    char **missing, **added; /* names that only the model has; that only the data have */
    int missing_count, added_count;
} rncl_class_match;

/* By name where both have names and share at least one; folders called by numbers of WordNet, say, share none
 * with ImageNet's words. Of equal names in the model the first counts. RNCL_ERR_MEMORY. */
rncl_status rncl_class_match_init(const rncl_class_names *model, const rncl_class_names *data,
                                  rncl_class_match *out);
void rncl_class_match_fini(rncl_class_match *match); /* harmless on a zeroed one */

#endif
