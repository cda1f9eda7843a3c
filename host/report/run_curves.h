/* What is drawn of a run. */
#ifndef RNCL_REPORT_RUN_CURVES_H
#define RNCL_REPORT_RUN_CURVES_H

#include "columns.h"
#include "plot_runs.h"

/* Columns of metrics.csv; errors and not hits, after reading. */
enum {
    RNCL_RUN_EPOCH,
    RNCL_RUN_STEP,
    RNCL_RUN_SECONDS,
    RNCL_RUN_TRAIN_LOSS,
    RNCL_RUN_TRAIN_ERROR,
    RNCL_RUN_VAL_LOSS,
    RNCL_RUN_VAL_ERROR
};

typedef struct rncl_run_curves {
    rncl_columns metrics; /* no rows before the first evaluation */
    const double *x;      /* of each evaluation; points into metrics */
    rncl_columns steps;   /* x and smoothed loss of each step; no rows without a steps.csv */
    double *drops;        /* [drop_count] x at which the learning rate fell at once */
    size_t drop_count;
} rncl_run_curves;

/* RNCL_ERR_DATA, also for a run without evaluations whose steps cannot be placed: there are none, or the axis
 * is another than theirs. `out` is to be freed in any case. */
rncl_status rncl_run_curves_read(const char *folder, rncl_plot_axis axis, rncl_run_curves *out);
void rncl_run_curves_fini(rncl_run_curves *curves); /* harmless on a zeroed one */

/* Row of the evaluation with the least of a column; the number of rows if no value is finite. */
size_t rncl_run_curves_best(const rncl_run_curves *curves, int column);

#endif
