/* A library for LD_PRELOAD: a rank that sends or receives does so later, by up to 2 ms, and now and then by
 * up to 20 ms, other times at each run. When it ends it says how often. */
#include <dlfcn.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { SHORT_US = 2000, LONG_US = 20000, LONG_ONE_IN = 16 };

/* rncl calls MPI from one thread at a time. */
static int held_back;

/* SplitMix64, from a state that no other process has, nor this one at another time. */
static uint64_t draw(void)
{
    static uint64_t state;
    if (!state) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        state = (uint64_t)now.tv_nsec + ((uint64_t)now.tv_sec << 32) + (uint64_t)getpid() * 1000003;
    }
    uint64_t bits = state += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
}

static void hold_back(void)
{
    const uint64_t most_us = draw() % LONG_ONE_IN ? SHORT_US : LONG_US;
    nanosleep(&(struct timespec){.tv_nsec = (long)(draw() % most_us * 1000)}, NULL);
    held_back++;
}

/* MPI's own function, from the library that rncl-mpi.so has loaded. */
static void *original(const char *name)
{
    void *function = dlsym(RTLD_DEFAULT, name);
    if (!function)
        abort();
    return function;
}

EXPORT int MPI_Isend(const void *bytes, int count, MPI_Datatype type, int to, int tag, MPI_Comm ranks,
                     MPI_Request *request)
{
    int (*send)(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    *(void **)&send = original("PMPI_Isend");
    hold_back();
    return send(bytes, count, type, to, tag, ranks, request);
}

EXPORT int MPI_Irecv(void *bytes, int count, MPI_Datatype type, int from, int tag, MPI_Comm ranks,
                     MPI_Request *request)
{
    int (*receive)(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    *(void **)&receive = original("PMPI_Irecv");
    hold_back();
    return receive(bytes, count, type, from, tag, ranks, request);
}

EXPORT int MPI_Finalize(void)
{
    int (*finish)(void);
    *(void **)&finish = original("PMPI_Finalize");
    fprintf(stderr, "%d calls were held back\n", held_back);
    return finish();
}
