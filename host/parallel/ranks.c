/* Collective operations, made of messages between pairs: in round r every rank sends to the one r places
 * behind it and receives from the one r places before it. Rounds do not wait for each other, but for those
 * that an exchange holds. */
#include "ranks.h"

#include <stdlib.h>
#include <string.h>

#include "bfloat16.h"
#include "util.h"

/* Chunks of a sum begin at multiples of so many floats: a cache line. */
enum { CHUNK_UNIT = 16 };

void rncl_ranks_fini(rncl_ranks *ranks)
{
    free(ranks->scratch);
    ranks->scratch = NULL;
    ranks->scratch_bytes = 0;
}

static rncl_status make_scratch(rncl_ranks *ranks, size_t bytes)
{
    if (ranks->scratch && bytes <= ranks->scratch_bytes)
        return RNCL_OK;
    rncl_ranks_fini(ranks);
    ranks->scratch = malloc(MAX(bytes, 1)); /* a vector may have nothing for this rank to add up */
    if (!ranks->scratch)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes for what other ranks have", bytes);
    ranks->scratch_bytes = bytes;
    return RNCL_OK;
}

rncl_share rncl_ranks_share(const rncl_ranks *ranks, int whole)
{
    if (!ranks)
        return (rncl_share){.count = whole};
    const int least = whole / ranks->count, larger = whole % ranks->count; /* the first ones */
    return (rncl_share){.first = ranks->index * least + MIN(ranks->index, larger),
                        .count = least + (ranks->index < larger)};
}

static int behind(const rncl_ranks *ranks, int places)
{
    return (ranks->index + places) % ranks->count;
}

static int before(const rncl_ranks *ranks, int places)
{
    return (ranks->index - places + ranks->count) % ranks->count;
}

/* Messages that wait for others to go with. */
typedef struct outbox {
    rncl_message messages[RNCL_MESSAGES_AT_ONCE];
    size_t count;
} outbox;

static rncl_status send_all(rncl_ranks *ranks, outbox *box)
{
    const size_t count = box->count;
    box->count = 0;
    return count ? ranks->exchange(ranks, box->messages, count) : RNCL_OK;
}

static rncl_status put(rncl_ranks *ranks, outbox *box, rncl_message message)
{
    box->messages[box->count++] = message;
    return box->count < COUNT(box->messages) ? RNCL_OK : send_all(ranks, box);
}

rncl_status rncl_ranks_gather(rncl_ranks *ranks, const void *mine, size_t bytes, const void **all)
{
    outbox box = {0};
    *all = mine;
    if (!ranks)
        return RNCL_OK;
    RNCL_TRY(make_scratch(ranks, (size_t)ranks->count * bytes));
    char *to = ranks->scratch;
    memcpy(to + (size_t)ranks->index * bytes, mine, bytes);
    for (int round = 1; round < ranks->count; round++) {
        const int from = before(ranks, round);
        RNCL_TRY(put(ranks, &box,
                     (rncl_message){.to = behind(ranks, round),
                                    .out = mine,
                                    .out_bytes = bytes,
                                    .from = from,
                                    .in = to + (size_t)from * bytes,
                                    .in_bytes = bytes}));
    }
    *all = to;
    return send_all(ranks, &box);
}

/* In round r ranks below 2^r hand the data on to those 2^r further on. */
rncl_status rncl_ranks_cast(rncl_ranks *ranks, void *data, size_t bytes)
{
    for (int have = 1; have < rncl_ranks_count(ranks); have *= 2) {
        const int to = ranks->index + have, from = ranks->index - have;
        if (ranks->index < have && to < ranks->count)
            RNCL_TRY(ranks->exchange(ranks, &(rncl_message){.to = to, .out = data, .out_bytes = bytes}, 1));
        else if (ranks->index >= have && from < have)
            RNCL_TRY(ranks->exchange(ranks, &(rncl_message){.from = from, .in = data, .in_bytes = bytes}, 1));
    }
    return RNCL_OK;
}

typedef struct chunk {
    size_t first, count; /* floats */
} chunk;

/* The part of the vector that a rank adds up. */
static chunk chunk_of(const rncl_ranks *ranks, size_t count, int index)
{
    const size_t units = (count + CHUNK_UNIT - 1) / CHUNK_UNIT, each = (size_t)ranks->count;
    const size_t begin = units * (size_t)index / each * CHUNK_UNIT;
    const size_t end = units * ((size_t)index + 1) / each * CHUNK_UNIT;
    return (chunk){.first = MIN(begin, count), .count = MIN(end, count) - MIN(begin, count)};
}

/* Everybody's values of this rank's chunk, in the order of the ranks, in `all`; its own place there is left
 * as it is. A value has `size` bytes. */
static rncl_status scatter(rncl_ranks *ranks, const void *values, size_t count, size_t size, void *all)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    outbox box = {0};
    for (int round = 1; round < ranks->count; round++) {
        const int to = behind(ranks, round), from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, to);
        RNCL_TRY(put(ranks, &box,
                     (rncl_message){.to = to,
                                    .out = (const char *)values + theirs.first * size,
                                    .out_bytes = theirs.count * size,
                                    .from = from,
                                    .in = (char *)all + (size_t)from * own.count * size,
                                    .in_bytes = own.count * size}));
    }
    return send_all(ranks, &box);
}

/* Every rank's chunk on all of them. */
static rncl_status collect(rncl_ranks *ranks, void *values, size_t count, size_t size)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    outbox box = {0};
    for (int round = 1; round < ranks->count; round++) {
        const int from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, from);
        RNCL_TRY(put(ranks, &box,
                     (rncl_message){.to = behind(ranks, round),
                                    .out = (char *)values + own.first * size,
                                    .out_bytes = own.count * size,
                                    .from = from,
                                    .in = (char *)values + theirs.first * size,
                                    .in_bytes = theirs.count * size}));
    }
    return send_all(ranks, &box);
}

static void add_up(const rncl_ranks *ranks, float *restrict sums, size_t count)
{
    const float *restrict all = ranks->scratch;
    memcpy(sums, all, count * sizeof *sums);
    for (int rank = 1; rank < ranks->count; rank++) {
        all += count;
        for (size_t i = 0; i < count; i++)
            sums[i] += all[i];
    }
}

rncl_status rncl_ranks_sum(rncl_ranks *ranks, float *values, size_t count)
{
    if (rncl_ranks_count(ranks) == 1)
        return RNCL_OK;
    const chunk own = chunk_of(ranks, count, ranks->index);
    RNCL_TRY(make_scratch(ranks, own.count * (size_t)ranks->count * sizeof *values));
    float *all = ranks->scratch;
    memcpy(all + (size_t)ranks->index * own.count, values + own.first, own.count * sizeof *values);
    RNCL_TRY(scatter(ranks, values, count, sizeof *values, all));
    add_up(ranks, values + own.first, own.count);
    return collect(ranks, values, count, sizeof *values);
}

/* ---- rounded on their way ---- */

static uint16_t round_off(float value, float *error)
{
    const uint16_t rounded = rncl_bfloat16_of(value);
    *error = value - rncl_bfloat16_to_float(rounded);
    return rounded;
}

/* Value number i of this rank's chunk, in the order of the ranks. */
static float add_rounded(const rncl_ranks *ranks, const uint16_t *all, size_t count, size_t i, float own)
{
    float sum = ranks->index ? rncl_bfloat16_to_float(all[i]) : own;
    for (int rank = 1; rank < ranks->count; rank++)
        sum += rank == ranks->index ? own : rncl_bfloat16_to_float(all[(size_t)rank * count + i]);
    return sum;
}

rncl_status rncl_ranks_sum_rounded(rncl_ranks *ranks, float *values, float *errors, size_t count)
{
    if (rncl_ranks_count(ranks) == 1)
        return RNCL_OK;
    const chunk own = chunk_of(ranks, count, ranks->index);
    RNCL_TRY(make_scratch(ranks, (count + own.count * (size_t)ranks->count) * sizeof(uint16_t)));
    uint16_t *rounded = ranks->scratch, *all = rounded + count;
    for (size_t i = 0; i < count; i++) {
        values[i] += errors[i];
        if (i < own.first || i >= own.first + own.count)
            rounded[i] = round_off(values[i], &errors[i]);
    }
    RNCL_TRY(scatter(ranks, rounded, count, sizeof *rounded, all));
    for (size_t i = 0; i < own.count; i++) {
        const size_t at = own.first + i;
        rounded[at] = round_off(add_rounded(ranks, all, own.count, i, values[at]), &errors[at]);
    }
    RNCL_TRY(collect(ranks, rounded, count, sizeof *rounded));
    for (size_t i = 0; i < count; i++)
        values[i] = rncl_bfloat16_to_float(rounded[i]);
    return RNCL_OK;
}

/* ---- to rank 0 and back ---- */

rncl_status rncl_ranks_bring(rncl_ranks *ranks, void *all, size_t bytes)
{
    outbox box = {0};
    if (!rncl_ranks_first(ranks))
        return ranks->exchange(ranks, &(rncl_message){.out = all, .out_bytes = bytes}, 1);
    for (int rank = 1; rank < rncl_ranks_count(ranks); rank++) {
        char *in = (char *)all + (size_t)rank * bytes;
        RNCL_TRY(put(ranks, &box, (rncl_message){.from = rank, .in = in, .in_bytes = bytes}));
    }
    return send_all(ranks, &box);
}

rncl_status rncl_ranks_deal(rncl_ranks *ranks, void *all, size_t bytes)
{
    outbox box = {0};
    if (!rncl_ranks_first(ranks))
        return ranks->exchange(ranks, &(rncl_message){.in = all, .in_bytes = bytes}, 1);
    for (int rank = 1; rank < rncl_ranks_count(ranks); rank++) {
        const char *out = (const char *)all + (size_t)rank * bytes;
        RNCL_TRY(put(ranks, &box, (rncl_message){.to = rank, .out = out, .out_bytes = bytes}));
    }
    return send_all(ranks, &box);
}

typedef struct verdict {
    rncl_status status;
    char message[1024];
} verdict;

rncl_status rncl_ranks_agree(rncl_ranks *ranks, rncl_status status)
{
    verdict mine = {.status = status};
    const void *gathered;
    if (rncl_ranks_count(ranks) == 1)
        return status;
    if (status)
        strncpy(mine.message, rncl_status_message(), sizeof mine.message - 1);
    RNCL_TRY(rncl_ranks_gather(ranks, &mine, sizeof mine, &gathered));
    const verdict *all = gathered;
    for (int i = 0; i < ranks->count; i++) {
        if (!all[i].status)
            continue;
        ranks->agreed = true;
        return i ? RNCL_FAIL(all[i].status, "rank %d: %s", i, all[i].message)
                 : RNCL_FAIL(all[i].status, "%s", all[i].message);
    }
    return RNCL_OK;
}
