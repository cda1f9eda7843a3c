/* The ranks that a launcher of MPI has started: mpirun, or a cluster's own. */
#ifndef RNCL_CLI_MPI_RANKS_H
#define RNCL_CLI_MPI_RANKS_H

#include "ranks.h"

/* Whether a launcher has started this process. */
bool rncl_mpi_launched(void);

/* *out is NULL for a process that no launcher has started. RNCL_ERR_USAGE for one that has been, of a program
 * without rncl-mpi.so. Signals must be blocked already: MPI has threads of its own. */
rncl_status rncl_mpi_open(rncl_ranks **out);

/* Ends the job's ranks together. Does not return after a failure `status` of this rank alone, nor where it is
 * not rank 0: then rank 0's line and exit status speak for all. Takes NULL. */
void rncl_mpi_close(rncl_ranks *ranks, rncl_status status);

#endif
