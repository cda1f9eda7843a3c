/* Processes of this machine are watched by file descriptors (pidfd_open of Linux 5.3): a number alone may
 * come to mean another process. */
#include "local_peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/* Processes have numbers of one kind where machine and namespace are the same. Host names will not do:
 * machines that were copied share theirs. */
typedef struct place {
    char boot[64];
    uint64_t names, process;
} place;

static void find_place(place *out)
{
    struct stat names;
    memset(out, 0, sizeof *out);
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (!file)
        return;
    if (fgets(out->boot, sizeof out->boot, file) && stat("/proc/self/ns/pid", &names) == 0) {
        out->names = (uint64_t)names.st_ino;
        out->process = (uint64_t)getpid();
    }
    fclose(file);
}

static bool is_beside(const place *one, const place *other)
{
    return one->process && other->process && one->names == other->names && !strcmp(one->boot, other->boot);
}

static int watch(const place *peer)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, (pid_t)peer->process, 0);
#else
    (void)peer;
    return -1;
#endif
}

rncl_status rncl_local_peers_open(rncl_ranks *ranks, rncl_local_peers *out)
{
    place mine;
    const void *gathered;
    *out = (rncl_local_peers){0};
    find_place(&mine);
    RNCL_TRY(rncl_ranks_gather(ranks, &mine, sizeof mine, &gathered));
    const place *places = gathered;
    out->processes = calloc((size_t)ranks->count, sizeof *out->processes);
    out->ranks = calloc((size_t)ranks->count, sizeof *out->ranks);
    if (!out->processes || !out->ranks)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "ranks");
    for (int i = 0; i < ranks->count; i++) {
        const int descriptor = i != ranks->index && is_beside(&places[i], &mine) ? watch(&places[i]) : -1;
        if (descriptor < 0)
            continue;
        out->processes[out->count] = (struct pollfd){.fd = descriptor, .events = POLLIN};
        out->ranks[out->count++] = i;
    }
    return RNCL_OK;
}

void rncl_local_peers_close(rncl_local_peers *peers)
{
    for (int i = 0; i < peers->count; i++)
        close(peers->processes[i].fd);
    free(peers->processes);
    free(peers->ranks);
    *peers = (rncl_local_peers){0};
}

int rncl_local_peers_wait(rncl_local_peers *peers, int time_ms)
{
    if (poll(peers->processes, (nfds_t)peers->count, time_ms) <= 0)
        return -1;
    for (int i = 0; i < peers->count; i++)
        if (peers->processes[i].revents)
            return peers->ranks[i];
    return -1;
}
