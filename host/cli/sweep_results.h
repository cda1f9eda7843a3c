/* What the runs of a sweep have come to: sweep.csv, one table, one picture. */
#ifndef RNCL_CLI_SWEEP_RESULTS_H
#define RNCL_CLI_SWEEP_RESULTS_H

#include <stdint.h>

#include "sweep_grid.h"

/* A run that has ended. */
typedef struct rncl_sweep_result {
    char name[RNCL_SWEEP_NAME]; /* of its folder */
    bool diverged;              /* then the numbers are those of its end, as far as there are any */
    int64_t steps;
    double seconds, val_loss, val_top1, best_top1; /* NaN where it was not evaluated */
} rncl_sweep_result;

typedef struct rncl_sweep_results {
    rncl_sweep_result *rows;
    size_t count;
} rncl_sweep_results;

/* Reads sweep.csv; no rows if there is no such file. RNCL_ERR_DATA for another file of that name. */
rncl_status rncl_sweep_results_read(const char *path, rncl_sweep_results *out);
/* Adds a row, and the file is on disk. */
rncl_status rncl_sweep_results_add(rncl_sweep_results *results, const rncl_sweep_result *row,
                                   const char *path);
void rncl_sweep_results_fini(rncl_sweep_results *results); /* harmless on a zeroed one */

const rncl_sweep_result *rncl_sweep_results_find(const rncl_sweep_results *results, const char *name);

/* One table of the grid's runs that have ended, the best first. */
rncl_status rncl_sweep_results_print(const rncl_sweep_grid *grid, const rncl_sweep_results *results);
rncl_status rncl_sweep_results_print_json(const char *folder, const rncl_sweep_grid *grid,
                                          const rncl_sweep_results *results);

/* The same as bars of the best validation error. */
rncl_status rncl_sweep_results_draw(const char *path, const rncl_sweep_grid *grid,
                                    const rncl_sweep_results *results);

#endif
