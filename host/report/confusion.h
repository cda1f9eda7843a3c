/* Confusion matrices as CSV files. */
#ifndef RNCL_REPORT_CONFUSION_H
#define RNCL_REPORT_CONFUSION_H

#include <stdint.h>

#include "status.h"

typedef struct rncl_confusion {
    const uint64_t *counts; /* [classes][classes], row: true class, column: predicted class */
    int classes;
    const char *const *labels; /* [classes] */
} rncl_confusion;

/* Writes into the folder, which is created:
 *   confusion.csv   the counts; the header row has the predicted labels, the first column the true ones
 *   per_class.csv   class,label,images,top1,precision,recall: top1 in percent, the others as shares; empty
 *                   where there is nothing to divide by
 * RNCL_ERR_IO. */
rncl_status rncl_confusion_write(const rncl_confusion *confusion, const char *folder);

#endif
