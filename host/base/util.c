/* Checked sizes, text, hashing, time. */
#include "util.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "number.h"

bool rncl_size_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

bool rncl_all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

char *rncl_text_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = rncl_number_vformat(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return NULL;
    char *text = malloc((size_t)length + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    rncl_number_vformat(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* Levenshtein distance; names longer than the row count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(substituted, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}

/* The first name that begins with the text; NULL if none does, or if the text is too short to tell. */
static const char *begun_name(const char *text, const char *const *names, size_t count)
{
    enum { SHORTEST = 3 };
    const size_t length = strlen(text);
    for (size_t i = 0; length >= SHORTEST && i < count; i++)
        if (!strncmp(text, names[i], length))
            return names[i];
    return NULL;
}

const char *rncl_text_nearest(const char *text, const char *const *names, size_t count)
{
    const char *nearest = begun_name(text, names, count);
    if (nearest)
        return nearest;
    size_t least = MAX(strlen(text) / 2, (size_t)2) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(text, names[i]);
        if (distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

static bool is_control(char letter)
{
    return (unsigned char)letter < 0x20 || letter == 0x7f;
}

bool rncl_text_is_plain(const char *text)
{
    for (; *text; text++)
        if (is_control(*text))
            return false;
    return true;
}

void rncl_text_make_plain(char *text)
{
    for (; *text; text++)
        if (is_control(*text))
            *text = '?';
}

uint64_t rncl_hash(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

uint64_t rncl_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
