/* Which classes a network takes for which, as files. */
#ifndef RNCL_REPORT_CONFUSION_H
#define RNCL_REPORT_CONFUSION_H

#include <stdint.h>

#include "status.h"

typedef struct rncl_confusion {
    const uint64_t *counts; /* [classes][classes], rows: the truth, columns: the answer */
    int classes;
    const char *const *labels; /* [classes] */
} rncl_confusion;

/* Writes into the folder, which is made:
 *   confusion.csv   the counts, with the labels of the answers above and of the truth at the left
 *   per_class.csv   class,label,images,top1,precision,recall: top1 in percent, the others as shares; empty
 *                   where there is nothing to divide by
 * RNCL_ERR_IO. */
rncl_status rncl_confusion_write(const rncl_confusion *confusion, const char *folder);

#endif
