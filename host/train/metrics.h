/* metrics.csv and steps.csv of a run folder: one row an evaluation, one row a step, on their way to disk as
 * soon as they are written. */
#ifndef RNCL_TRAIN_METRICS_H
#define RNCL_TRAIN_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "status.h"

typedef struct rncl_metrics {
    FILE *evaluations, *steps;
    char *evaluations_path, *steps_path;
} rncl_metrics;

typedef struct rncl_metrics_row {
    double epoch;
    int64_t step, images; /* trained on so far */
    float lr;
    double train_loss, train_top1; /* since the last evaluation that was due */
    double val_loss, val_top1, val_top5;
    double images_per_second, seconds;
} rncl_metrics_row;

/* Opens both files in `folder` to write what comes after `step`: rows of later steps and half a row at the
 * end, which a killed run may have left, are cut off first, atomically. Rows that are damaged are kept, and a
 * warning to `log` says which. Files that are not there begin with their header. RNCL_ERR_DATA for files of
 * these names that are something else. */
rncl_status rncl_metrics_open(const char *folder, int64_t step, const rncl_log *log, rncl_metrics *out);
void rncl_metrics_close(rncl_metrics *metrics); /* harmless on a zeroed one */

rncl_status rncl_metrics_add(rncl_metrics *metrics, const rncl_metrics_row *row);
rncl_status rncl_metrics_add_step(rncl_metrics *metrics, int64_t step, double loss, float lr);

#endif
