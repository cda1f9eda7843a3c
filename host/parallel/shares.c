/* Shares are cut at cumulative proportions, so that they follow each other without a gap. */
#include "shares.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Larger proportions say nothing more, and products with a batch must fit. */
static const long most = 1000000;

/* The number at *at, and *at behind it and its comma. 0: there is none. */
static long take_number(const char **at)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return 0;
    const long number = strtol(*at, &end, 10);
    if (number > most || (*end && (*end != ',' || !end[1])))
        return 0;
    *at = *end ? end + 1 : end;
    return number;
}

int rncl_shares_count(const char *text)
{
    int count = 0;
    do {
        if (take_number(&text) <= 0)
            return 0;
        count++;
    } while (*text);
    return count;
}

rncl_status rncl_shares_cut(const char *text, int whole, int index, rncl_share *share)
{
    int64_t total = 0, before = 0;
    int first = 0;
    for (const char *at = text; *at;)
        total += take_number(&at);
    for (int rank = 0; *text; rank++) {
        before += take_number(&text);
        const int end = (int)(whole * before / total);
        if (end == first)
            return RNCL_FAIL(RNCL_ERR_USAGE, "--shares: rank %d has no picture in a batch of %d", rank,
                             whole);
        if (rank == index)
            *share = (rncl_share){.first = first, .count = end - first};
        first = end;
    }
    return RNCL_OK;
}

/* One for each rank that has nothing, from the one that has most. */
static void fill_empty(int *parts, int count)
{
    for (int i = 0; i < count; i++) {
        int largest = 0;
        if (parts[i])
            continue;
        for (int other = 1; other < count; other++)
            if (parts[other] > parts[largest])
                largest = other;
        parts[largest]--;
        parts[i]++;
    }
}

static void divide(const double *speeds, int count, int whole, int *parts)
{
    double total = 0, before = 0;
    int first = 0;
    for (int i = 0; i < count; i++)
        total += speeds[i];
    for (int i = 0; i < count; i++) {
        before += speeds[i];
        const int end = i + 1 < count ? (int)lround(whole * (before / total)) : whole;
        parts[i] = end - first;
        first = end;
    }
    fill_empty(parts, count);
}

rncl_status rncl_shares_of_speeds(const double *speeds, int count, int whole, char *text, size_t size)
{
    size_t length = 0;
    int *parts = calloc((size_t)count, sizeof *parts);
    if (!parts)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "shares of %d ranks", count);
    divide(speeds, count, whole, parts);
    for (int i = 0; i < count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%d", i ? "," : "", parts[i]);
    free(parts);
    return length < size
               ? RNCL_OK
               : RNCL_FAIL(RNCL_ERR_USAGE, "--shares auto: %d ranks are too many to be kept", count);
}
