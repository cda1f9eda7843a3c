/* What every file needs: element counts, checked sizes, text, time. */
#ifndef RNCL_BASE_UTIL_H
#define RNCL_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline size_t rncl_round_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static inline int rncl_ceil_div(int value, int divisor)
{
    return (value + divisor - 1) / divisor;
}

/* *product = a * b; false if it does not fit. */
bool rncl_size_multiply(size_t a, size_t b, size_t *product);

/* Whether none of the values is NaN or infinite. */
bool rncl_all_finite(const float *values, size_t count);

/* A new string, printf style; NULL when out of memory. Caller frees. */
char *rncl_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The entry of `names` (count of them) that begins with `text`, or else the one with the smallest edit
 * distance to it; NULL if none is near enough to be a plausible misspelling. */
const char *rncl_text_nearest(const char *text, const char *const *names, size_t count);

/* Whether a text from a file can stand in a message: no line breaks, no terminal commands. */
bool rncl_text_is_plain(const char *text);

/* Replaces what must not stand in a message by question marks, as ls does for names of files. */
void rncl_text_make_plain(char *text);

/* FNV-1a, 64 bits; start with RNCL_HASH_START and chain. */
#define RNCL_HASH_START UINT64_C(14695981039346656037)
uint64_t rncl_hash(uint64_t hash, const void *data, size_t size);

/* A clock that only goes forward. */
uint64_t rncl_time_ns(void);

#endif
