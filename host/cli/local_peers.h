/* The ranks on this machine, of which the kernel tells at once when one has died. Those on others are known
 * by their silence alone. */
#ifndef RNCL_CLI_LOCAL_PEERS_H
#define RNCL_CLI_LOCAL_PEERS_H

#include <poll.h>

#include "ranks.h"

typedef struct rncl_local_peers {
    struct pollfd *processes;
    int *ranks; /* of the processes */
    int count;
} rncl_local_peers;

/* Collective. Zero where the kernel does not tell. On failure the caller still calls rncl_local_peers_close.
 */
rncl_status rncl_local_peers_open(rncl_ranks *ranks, rncl_local_peers *out);
void rncl_local_peers_close(rncl_local_peers *peers);

/* Waits for so long; the rank that has died meanwhile or before, or -1. */
int rncl_local_peers_wait(rncl_local_peers *peers, int time_ms);

#endif
