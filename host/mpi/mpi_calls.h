/* What rncl needs of MPI, as the file rncl-mpi.so offers it to the program. MPI is loaded by a rank alone and
 * not by every command: it brings libraries that set signal handlers when they are loaded (UCX takes SIGHUP),
 * its makers have different ABIs, and it need not be installed at all.
 *
 * Functions return 0 or an error of MPI's, which error_text explains. Messages are bytes between ranks of the
 * job. */
#ifndef RNCL_MPI_CALLS_H
#define RNCL_MPI_CALLS_H

#include <stdbool.h>

/* A message on its way: MPI's handle, whatever its type. */
typedef struct rncl_mpi_request {
    void *handle;
} rncl_mpi_request;

typedef struct rncl_mpi_place {
    int index, count;
    int local_index, local_count; /* among those of this machine */
} rncl_mpi_place;

typedef struct rncl_mpi_calls {
    /* False: this MPI cannot be called by several threads, one at a time. To be called once, before the
     * others. */
    bool (*start)(rncl_mpi_place *place);
    int anybody; /* the rank to receive from where any will do */
    /* No request: testing it says that it is done. */
    rncl_mpi_request (*none)(void);
    int (*send)(const void *bytes, int count, int to, int tag, rncl_mpi_request *request);
    int (*receive)(void *bytes, int count, int from, int tag, rncl_mpi_request *request);
    /* *done: all are. */
    int (*test)(int count, rncl_mpi_request *requests, bool *done);
    int (*wait)(rncl_mpi_request *request);
    int (*cancel)(rncl_mpi_request *request);
    /* One line; `size` bytes at most with the 0 at its end. */
    void (*error_text)(int error, char *text, int size);
    void (*abort)(int exit_status);
    void (*finish)(void);
} rncl_mpi_calls;

/* The file's only symbol. */
#define RNCL_MPI_CALLS "rncl_mpi_calls_2"
extern const rncl_mpi_calls rncl_mpi_calls_2;

#endif
