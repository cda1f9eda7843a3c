/* Options from text and back: one parser and one printer for each kind of option. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "float_text.h"
#include "number.h"
#include "util.h"

/* One value of any kind. */
typedef union value {
    char text[RNCL_TEXT_LENGTH];
    int number;
    float real;
    uint64_t seed;
    bool on;
    float reals[4];
} value;

/* A parser fails with RNCL_ERR_USAGE and leaves *out undefined. */
typedef rncl_status parser(const rncl_option *option, const char *text, value *out);
typedef void printer(const rncl_option *option, const value *from, char *text, size_t size);

static const char *const off_and_on[] = {"off", "on", NULL};

/* ---- words ---- */

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

/* "resnet, plain or cifar-resnet"; cut off where it does not fit. */
static void list_words(const char *const *words, char *text, size_t size)
{
    const size_t count = count_words(words);
    size_t length = 0;
    for (size_t i = 0; i < count && length < size; i++) {
        const char *separator = i == 0 ? "" : i + 1 < count ? ", " : " or ";
        length += (size_t)snprintf(text + length, size - length, "%s%s", separator, words[i]);
    }
}

static rncl_status parse_word(const rncl_option *option, const char *const *words, const char *text,
                              int *index)
{
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], text)) {
            *index = i;
            return RNCL_OK;
        }
    }
    char list[256];
    list_words(words, list, sizeof list);
    const char *nearest = rncl_text_nearest(text, words, count_words(words));
    return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.100s: choose %s%s%s%s", option->name, text, list,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static rncl_status parse_choice(const rncl_option *option, const char *text, value *out)
{
    int index = 0;
    RNCL_TRY(parse_word(option, option->choices, text, &index));
    out->number = option->choice_values ? option->choice_values[index] : index;
    return RNCL_OK;
}

static void print_choice(const rncl_option *option, const value *from, char *text, size_t size)
{
    int index = 0;
    while (option->choice_values && option->choice_values[index] != from->number && option->choices[index])
        index++;
    if (!option->choice_values)
        index = from->number;
    snprintf(text, size, "%s", option->choices[index]);
}

static rncl_status parse_switch(const rncl_option *option, const char *text, value *out)
{
    int index = 0;
    RNCL_TRY(parse_word(option, option->choices ? option->choices : off_and_on, text, &index));
    out->on = index == 1;
    return RNCL_OK;
}

static void print_switch(const rncl_option *option, const value *from, char *text, size_t size)
{
    snprintf(text, size, "%s", (option->choices ? option->choices : off_and_on)[from->on]);
}

static rncl_status parse_text(const rncl_option *option, const char *text, value *out)
{
    const size_t length = strlen(text);
    if (length >= sizeof out->text)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.40s…: longer than %zu characters", option->name, text,
                         sizeof out->text - 1);
    memcpy(out->text, text, length + 1);
    return RNCL_OK;
}

static void print_text(const rncl_option *option, const value *from, char *text, size_t size)
{
    (void)option;
    snprintf(text, size, "%s", from->text);
}

/* ---- numbers ---- */

static rncl_status no_number(const rncl_option *option, const char *text, const char *kind)
{
    return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.100s: not %s", option->name, text, kind);
}

static rncl_status check_range(const rncl_option *option, double number, const char *text)
{
    if (number >= option->least && number <= option->most)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.100s: not in %.9g to %.9g", option->name, text, option->least,
                     option->most);
}

/* What the C library's parsers would skip or take for a number, and people would not: blanks, words,
 * hexadecimals. */
static bool plain_number(const char *text)
{
    return *text && strspn(text, "0123456789+-.eE") == strlen(text);
}

static rncl_status parse_int(const rncl_option *option, const char *text, value *out)
{
    if (option->zero && !strcmp(text, option->zero)) {
        out->number = 0;
        return RNCL_OK;
    }
    char *end = NULL;
    errno = 0;
    const long long number = plain_number(text) ? strtoll(text, &end, 10) : 0;
    if (!end || end == text || *end)
        return no_number(option, text, option->zero ? "a whole number or auto" : "a whole number");
    RNCL_TRY(check_range(option, errno ? HUGE_VAL : (double)number, text));
    out->number = (int)number;
    return RNCL_OK;
}

static void print_int(const rncl_option *option, const value *from, char *text, size_t size)
{
    if (option->zero && from->number == 0)
        snprintf(text, size, "%s", option->zero);
    else
        snprintf(text, size, "%d", from->number);
}

static rncl_status parse_seed(const rncl_option *option, const char *text, value *out)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long seed = strspn(text, "0123456789") == strlen(text) ? strtoull(text, &end, 10) : 0;
    if (!end || end == text || errno)
        return no_number(option, text, "a whole number from 0 to 18446744073709551615");
    out->seed = seed;
    return RNCL_OK;
}

static void print_seed(const rncl_option *option, const value *from, char *text, size_t size)
{
    (void)option;
    snprintf(text, size, "%llu", (unsigned long long)from->seed);
}

/* The float at the start of `text`, which is only a part of `whole`; *rest is what comes behind it. */
static rncl_status parse_real(const rncl_option *option, const char *whole, const char *text, char **rest,
                              float *out)
{
    const double number = rncl_number_parse(text, rest);
    if (*rest == text)
        return no_number(option, whole, "a number");
    RNCL_TRY(check_range(option, number, whole));
    *out = (float)number;
    return RNCL_OK;
}

static rncl_status parse_float(const rncl_option *option, const char *text, value *out)
{
    if (!plain_number(text))
        return no_number(option, text, "a number");
    char *rest;
    RNCL_TRY(parse_real(option, text, text, &rest, &out->real));
    return *rest ? no_number(option, text, "a number") : RNCL_OK;
}

static void print_float(const rncl_option *option, const value *from, char *text, size_t size)
{
    (void)option;
    rncl_float_text(from->real, text, size);
}

static rncl_status parse_floats(const rncl_option *option, const char *text, value *out)
{
    *out = (value){0};
    if (strspn(text, "0123456789+-.eE, ") != strlen(text))
        return no_number(option, text, "numbers, separated by commas");
    const char *next = text;
    size_t count = 0;
    for (;;) {
        char *rest;
        RNCL_TRY(parse_real(option, text, next, &rest, &out->reals[count++]));
        if (!*rest)
            break;
        if (*rest != ',' || count == COUNT(out->reals))
            return no_number(option, text, "one to four numbers, separated by commas");
        next = rest + 1;
    }
    for (size_t i = 1; count == 1 && i < COUNT(out->reals); i++)
        out->reals[i] = out->reals[0];
    return RNCL_OK;
}

/* How many numbers say it all: one if they are equal, none if they cannot have been given, and no zeros at
 * the end, which are channels that there are not. */
static size_t count_floats(const rncl_option *option, const float *reals)
{
    size_t count = 4;
    while (count > 0 && reals[count - 1] == 0)
        count--;
    if (count == 0)
        return option->least <= 0 ? 1 : 0;
    if (reals[1] == reals[0] && reals[2] == reals[0] && reals[3] == reals[0])
        return 1;
    /* One alone stands for all, which does no harm where zeros cannot be meant. */
    return option->least <= 0 ? MAX(count, 2) : count;
}

static void print_floats(const rncl_option *option, const value *from, char *text, size_t size)
{
    const size_t count = count_floats(option, from->reals);
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && length < size; i++) {
        char number[RNCL_FLOAT_TEXT];
        rncl_float_text(from->reals[i], number, sizeof number);
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "," : "", number);
    }
}

static const struct kind {
    size_t size;
    parser *parse;
    printer *print;
} kinds[] = {
    [RNCL_OPTION_TEXT] = {RNCL_TEXT_LENGTH, parse_text, print_text},
    [RNCL_OPTION_INT] = {sizeof(int), parse_int, print_int},
    [RNCL_OPTION_FLOAT] = {sizeof(float), parse_float, print_float},
    [RNCL_OPTION_SEED] = {sizeof(uint64_t), parse_seed, print_seed},
    [RNCL_OPTION_SWITCH] = {sizeof(bool), parse_switch, print_switch},
    [RNCL_OPTION_FLAG] = {sizeof(bool), parse_switch, print_switch},
    [RNCL_OPTION_CHOICE] = {sizeof(int), parse_choice, print_choice},
    [RNCL_OPTION_FLOATS] = {4 * sizeof(float), parse_floats, print_floats},
};

/* ---- rows ---- */

static size_t row_of(const rncl_option *option)
{
    return (size_t)(option - rncl_option_table);
}

rncl_status rncl_options_set(rncl_options *options, const rncl_option *option, const char *text,
                             rncl_option_source source)
{
    const struct kind *kind = &kinds[option->kind];
    value parsed;
    RNCL_TRY(kind->parse(option, text, &parsed));
    if (source < options->source[row_of(option)])
        return RNCL_OK;
    memcpy((char *)options + option->offset, &parsed, kind->size);
    options->source[row_of(option)] = (unsigned char)source;
    return RNCL_OK;
}

void rncl_option_format(const rncl_options *options, const rncl_option *option, char *text, size_t size)
{
    const struct kind *kind = &kinds[option->kind];
    value held;
    memcpy(&held, (const char *)options + option->offset, kind->size);
    kind->print(option, &held, text, size);
}

void rncl_options_init(rncl_options *options)
{
    *options = (rncl_options){0};
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        rncl_status st = RNCL_OK;
        if (option->default_text)
            st = rncl_options_set(options, option, option->default_text, RNCL_FROM_DEFAULT);
        assert(st == RNCL_OK);
        (void)st;
    }
    const char *device = getenv("RNCL_DEVICE");
    if (device && *device)
        snprintf(options->device, sizeof options->device, "%s", device);
    const char *binaries = getenv("RNCL_KERNEL_BINARIES");
    if (binaries)
        snprintf(options->kernel_binaries, sizeof options->kernel_binaries, "%s", binaries);
}

const rncl_option *rncl_option_find(const char *name, unsigned commands)
{
    for (size_t i = 0; i < rncl_option_count; i++)
        if ((rncl_option_table[i].commands & commands) && !strcmp(rncl_option_table[i].name, name))
            return &rncl_option_table[i];
    return NULL;
}

rncl_option_source rncl_option_source_of(const rncl_options *options, const char *name)
{
    const rncl_option *option = rncl_option_find(name, ~0u);
    assert(option);
    return (rncl_option_source)options->source[row_of(option)];
}
