/* MPI behind an interface that is the same for every maker's. */
#include "mpi_calls.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(rncl_mpi_request), "a request holds MPI's");

static rncl_mpi_request pack(MPI_Request theirs)
{
    rncl_mpi_request ours = {0};
    memcpy(&ours, &theirs, sizeof theirs);
    return ours;
}

static MPI_Request unpack(rncl_mpi_request ours)
{
    MPI_Request theirs;
    memcpy(&theirs, &ours, sizeof theirs);
    return theirs;
}

/* Of messages over TCP that are longer than 64 KiB Open MPI asks the receiver where each is to go, and the
 * link idles meanwhile. Here receivers wait with their memory. Who has set a limit keeps it. */
static void send_at_once(void)
{
#ifdef OPEN_MPI
    setenv("OMPI_MCA_btl_tcp_eager_limit", "8388608", 0);
#endif
}

static bool start(rncl_mpi_place *place)
{
    int provided;
    MPI_Comm local;
    send_at_once();
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) || provided < MPI_THREAD_SERIALIZED)
        return false;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &place->index);
    MPI_Comm_size(MPI_COMM_WORLD, &place->count);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, place->index, MPI_INFO_NULL, &local);
    MPI_Comm_rank(local, &place->local_index);
    MPI_Comm_size(local, &place->local_count);
    MPI_Comm_free(&local);
    return true;
}

static rncl_mpi_request none(void)
{
    return pack(MPI_REQUEST_NULL);
}

static int send(const void *bytes, int count, int to, int tag, rncl_mpi_request *request)
{
    MPI_Request theirs = MPI_REQUEST_NULL;
    const int error = MPI_Isend(bytes, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, &theirs);
    *request = pack(theirs);
    return error;
}

static int receive(void *bytes, int count, int from, int tag, rncl_mpi_request *request)
{
    MPI_Request theirs = MPI_REQUEST_NULL;
    const int error = MPI_Irecv(bytes, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, &theirs);
    *request = pack(theirs);
    return error;
}

static int test(int count, rncl_mpi_request *requests, bool *done)
{
    *done = true;
    for (int i = 0; i < count; i++) {
        MPI_Request theirs = unpack(requests[i]);
        int one = 0;
        const int error = MPI_Test(&theirs, &one, MPI_STATUS_IGNORE);
        requests[i] = pack(theirs);
        if (error)
            return error;
        *done &= one;
    }
    return MPI_SUCCESS;
}

static int wait(rncl_mpi_request *request)
{
    MPI_Request theirs = unpack(*request);
    const int error = MPI_Wait(&theirs, MPI_STATUS_IGNORE);
    *request = pack(theirs);
    return error;
}

static int cancel(rncl_mpi_request *request)
{
    MPI_Request theirs = unpack(*request);
    return MPI_Cancel(&theirs);
}

static void error_text(int error, char *text, int size)
{
    char whole[MPI_MAX_ERROR_STRING] = "";
    int length;
    MPI_Error_string(error, whole, &length);
    snprintf(text, (size_t)size, "%s", whole);
}

static void abort_job(int exit_status)
{
    MPI_Abort(MPI_COMM_WORLD, exit_status);
}

static void finish(void)
{
    MPI_Finalize();
}

__attribute__((visibility("default"))) const rncl_mpi_calls rncl_mpi_calls_2 = {
    .start = start,
    .anybody = MPI_ANY_SOURCE,
    .none = none,
    .send = send,
    .receive = receive,
    .test = test,
    .wait = wait,
    .cancel = cancel,
    .error_text = error_text,
    .abort = abort_job,
    .finish = finish,
};
