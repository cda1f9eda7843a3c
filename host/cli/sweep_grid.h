/* The combinations of values that a sweep tries. */
#ifndef RNCL_CLI_SWEEP_GRID_H
#define RNCL_CLI_SWEEP_GRID_H

#include <stddef.h>

#include "options.h"
#include "status.h"

enum { RNCL_SWEEP_AXES = 4, RNCL_SWEEP_VALUES = 32, RNCL_SWEEP_RUNS = 256, RNCL_SWEEP_NAME = 256 };

typedef struct rncl_sweep_axis {
    const rncl_option *option;
    const char *values[RNCL_SWEEP_VALUES]; /* as they were typed */
    size_t count;
} rncl_sweep_axis;

typedef struct rncl_sweep_grid {
    char text[RNCL_TEXT_LENGTH]; /* that the values point into */
    rncl_sweep_axis axes[RNCL_SWEEP_AXES];
    size_t axis_count, runs;
} rncl_sweep_grid;

/* From "lr=0.1,0.05 seed=1,2" (rncl_options.grid). RNCL_ERR_USAGE for values that training would not take,
 * for an option or value that is there twice, for nothing to vary, and for too much. The grid must not move.
 */
rncl_status rncl_sweep_grid_read(const char *text, rncl_sweep_grid *out);

/* The value of an axis in a run; the last axis changes fastest. */
const char *rncl_sweep_value(const rncl_sweep_grid *grid, size_t run, size_t axis);

/* "lr-0.1_weight-decay-1e-4", the run's folder. */
void rncl_sweep_name(const rncl_sweep_grid *grid, size_t run, char name[RNCL_SWEEP_NAME]);
/* "lr 0.1, weight-decay 1e-4" */
void rncl_sweep_label(const rncl_sweep_grid *grid, size_t run, char label[RNCL_SWEEP_NAME]);

#endif
