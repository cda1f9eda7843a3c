/* Collective operations, made of exchanges between pairs: in round r every rank sends to the one r places
 * behind it and receives from the one r places before it. */
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

rncl_status rncl_ranks_gather(rncl_ranks *ranks, const void *mine, size_t bytes, const void **all)
{
    *all = mine;
    if (!ranks)
        return RNCL_OK;
    RNCL_TRY(make_scratch(ranks, (size_t)ranks->count * bytes));
    char *to = ranks->scratch;
    memcpy(to + (size_t)ranks->index * bytes, mine, bytes);
    for (int round = 1; round < ranks->count; round++) {
        const int from = before(ranks, round);
        RNCL_TRY(ranks->exchange(ranks, behind(ranks, round), mine, bytes, from, to + (size_t)from * bytes,
                                 bytes));
    }
    *all = to;
    return RNCL_OK;
}

/* In round r ranks below 2^r hand the data on to those 2^r further on. */
rncl_status rncl_ranks_cast(rncl_ranks *ranks, void *data, size_t bytes)
{
    for (int have = 1; have < rncl_ranks_count(ranks); have *= 2) {
        const int to = ranks->index + have, from = ranks->index - have;
        if (ranks->index < have && to < ranks->count)
            RNCL_TRY(ranks->exchange(ranks, to, data, bytes, to, NULL, 0));
        else if (ranks->index >= have && from < have)
            RNCL_TRY(ranks->exchange(ranks, from, NULL, 0, from, data, bytes));
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

/* Everybody's values of this rank's chunk, in the order of the ranks, in `scratch`. */
static rncl_status scatter(rncl_ranks *ranks, const float *values, size_t count)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    float *all = ranks->scratch;
    memcpy(all + (size_t)ranks->index * own.count, values + own.first, own.count * sizeof *values);
    for (int round = 1; round < ranks->count; round++) {
        const int to = behind(ranks, round), from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, to);
        RNCL_TRY(ranks->exchange(ranks, to, values + theirs.first, theirs.count * sizeof *values, from,
                                 all + (size_t)from * own.count, own.count * sizeof *values));
    }
    return RNCL_OK;
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

/* Everybody's sums on every rank. */
static rncl_status collect(rncl_ranks *ranks, float *values, size_t count)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    for (int round = 1; round < ranks->count; round++) {
        const int from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, from);
        RNCL_TRY(ranks->exchange(ranks, behind(ranks, round), values + own.first, own.count * sizeof *values,
                                 from, values + theirs.first, theirs.count * sizeof *values));
    }
    return RNCL_OK;
}

rncl_status rncl_ranks_sum(rncl_ranks *ranks, float *values, size_t count)
{
    if (rncl_ranks_count(ranks) == 1)
        return RNCL_OK;
    const chunk own = chunk_of(ranks, count, ranks->index);
    RNCL_TRY(make_scratch(ranks, own.count * (size_t)ranks->count * sizeof *values));
    RNCL_TRY(scatter(ranks, values, count));
    add_up(ranks, values + own.first, own.count);
    return collect(ranks, values, count);
}

/* ---- rounded on their way ---- */

static uint16_t round_off(float value, float *error)
{
    const uint16_t rounded = rncl_bfloat16_of(value);
    *error = value - rncl_bfloat16_to_float(rounded);
    return rounded;
}

/* Everybody's rounded values of this rank's chunk, in the order of the ranks, in `all`; its own are in
 * `values`, as they are. */
static rncl_status scatter_rounded(rncl_ranks *ranks, const uint16_t *rounded, size_t count, uint16_t *all)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    for (int round = 1; round < ranks->count; round++) {
        const int to = behind(ranks, round), from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, to);
        RNCL_TRY(ranks->exchange(ranks, to, rounded + theirs.first, theirs.count * sizeof *rounded, from,
                                 all + (size_t)from * own.count, own.count * sizeof *all));
    }
    return RNCL_OK;
}

/* Value number i of this rank's chunk, in the order of the ranks. */
static float add_rounded(const rncl_ranks *ranks, const uint16_t *all, size_t count, size_t i, float own)
{
    float sum = ranks->index ? rncl_bfloat16_to_float(all[i]) : own;
    for (int rank = 1; rank < ranks->count; rank++)
        sum += rank == ranks->index ? own : rncl_bfloat16_to_float(all[(size_t)rank * count + i]);
    return sum;
}

static rncl_status collect_rounded(rncl_ranks *ranks, uint16_t *rounded, size_t count)
{
    const chunk own = chunk_of(ranks, count, ranks->index);
    for (int round = 1; round < ranks->count; round++) {
        const int from = before(ranks, round);
        const chunk theirs = chunk_of(ranks, count, from);
        RNCL_TRY(ranks->exchange(ranks, behind(ranks, round), rounded + own.first,
                                 own.count * sizeof *rounded, from, rounded + theirs.first,
                                 theirs.count * sizeof *rounded));
    }
    return RNCL_OK;
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
    RNCL_TRY(scatter_rounded(ranks, rounded, count, all));
    for (size_t i = 0; i < own.count; i++) {
        const size_t at = own.first + i;
        rounded[at] = round_off(add_rounded(ranks, all, own.count, i, values[at]), &errors[at]);
    }
    RNCL_TRY(collect_rounded(ranks, rounded, count));
    for (size_t i = 0; i < count; i++)
        values[i] = rncl_bfloat16_to_float(rounded[i]);
    return RNCL_OK;
}

/* ---- to rank 0 and back ---- */

rncl_status rncl_ranks_bring(rncl_ranks *ranks, void *all, size_t bytes)
{
    if (!rncl_ranks_first(ranks))
        return ranks->exchange(ranks, 0, all, bytes, 0, NULL, 0);
    for (int rank = 1; rank < rncl_ranks_count(ranks); rank++)
        RNCL_TRY(ranks->exchange(ranks, rank, NULL, 0, rank, (char *)all + (size_t)rank * bytes, bytes));
    return RNCL_OK;
}

rncl_status rncl_ranks_deal(rncl_ranks *ranks, void *all, size_t bytes)
{
    if (!rncl_ranks_first(ranks))
        return ranks->exchange(ranks, 0, NULL, 0, 0, all, bytes);
    for (int rank = 1; rank < rncl_ranks_count(ranks); rank++)
        RNCL_TRY(ranks->exchange(ranks, rank, (char *)all + (size_t)rank * bytes, bytes, rank, NULL, 0));
    return RNCL_OK;
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
