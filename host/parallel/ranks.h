/* The processes that train one network together, a device each, and what they tell each other. All of it is
 * built on messages between pairs, so that whatever carries the bytes decides nothing about the results:
 * everything is joined in the order of the ranks.
 *
 * These functions are collective: every rank calls the same ones in the same order with the same sizes. Each
 * takes ranks of NULL, a process alone, which has nothing to exchange. A failure is final: ranks that have
 * failed must not be used again. */
#ifndef RNCL_PARALLEL_RANKS_H
#define RNCL_PARALLEL_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

typedef struct rncl_ranks rncl_ranks;

/* What goes to rank `to` and what comes from rank `from`; both are others than this one. Sizes in bytes,
 * which the partners know too; 0: nothing is sent, or received. */
typedef struct rncl_message {
    int to;
    const void *out;
    size_t out_bytes;
    int from;
    void *in;
    size_t in_bytes;
} rncl_message;

/* An exchange has so many messages at most: more would fill up what a receiver has for those that it does not
 * expect yet. */
enum { RNCL_MESSAGES_AT_ONCE = 8 };

/* Carries all of them at once. No two go to the same rank, nor come from the same one. */
typedef rncl_status rncl_ranks_exchange(rncl_ranks *ranks, const rncl_message *messages, size_t count);

struct rncl_ranks {
    int index, count;
    int local_index, local_count; /* among those of this machine */
    bool agreed; /* the last failure is one that all ranks have returned: rank 0 alone tells of it */
    rncl_ranks_exchange *exchange;
    void *carrier; /* of `exchange` */

    void *scratch; /* of the functions below; the owner frees it by rncl_ranks_fini */
    size_t scratch_bytes;
};

/* Frees the scratch memory, which grows to what is needed. */
void rncl_ranks_fini(rncl_ranks *ranks);

static inline int rncl_ranks_count(const rncl_ranks *ranks)
{
    return ranks ? ranks->count : 1;
}

/* Rank 0 is the one that writes files and speaks. */
static inline bool rncl_ranks_first(const rncl_ranks *ranks)
{
    return !ranks || ranks->index == 0;
}

/* A contiguous part of something. */
typedef struct rncl_share {
    int first, count;
} rncl_share;

/* This rank's part of `whole` equal things; parts differ by one at most. */
rncl_share rncl_ranks_share(const rncl_ranks *ranks, int whole);

/* Each rank's `bytes` bytes, in the order of the ranks, on every rank. *all is the ranks' own, until the next
 * call; for a process alone it is `mine`. */
rncl_status rncl_ranks_gather(rncl_ranks *ranks, const void *mine, size_t bytes, const void **all);

/* Rank 0's bytes on every rank. */
rncl_status rncl_ranks_cast(rncl_ranks *ranks, void *data, size_t bytes);

/* Replaces `values` by the sums over all ranks, each ((rank 0 + rank 1) + rank 2) + …: the same bits on every
 * rank, and whenever it is repeated. Every rank sends and receives 2 (count - 1) / count of the vector. */
rncl_status rncl_ranks_sum(rncl_ranks *ranks, float *values, size_t count);

/* The same with every value rounded to bfloat16 on its way, so that half as many bytes are sent. What
 * rounding took off this rank's values and off the sums that it made is in `errors` afterwards, and is added
 * to its values the next time; [count], zero at first. */
rncl_status rncl_ranks_sum_rounded(rncl_ranks *ranks, float *values, float *errors, size_t count);

/* Rank 0 receives what the others have: all[rank] of `bytes` bytes each, its own in the first place already;
 * and the way back. On other ranks `all` is their own alone. */
rncl_status rncl_ranks_bring(rncl_ranks *ranks, void *all, size_t bytes);
rncl_status rncl_ranks_deal(rncl_ranks *ranks, void *all, size_t bytes);

/* RNCL_OK if that is every rank's status; otherwise that of the lowest rank that has failed, with its
 * message, on every rank. */
rncl_status rncl_ranks_agree(rncl_ranks *ranks, rncl_status status);

#endif
