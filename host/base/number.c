/* The C locale for one call: strtod_l parses in it, and printf gets it by uselocale, which concerns only the
 * calling thread. */
#include "number.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc and musl have it without allocating */
}

static locale_t locale_of_numbers(void)
{
    pthread_once(&once, make_locale);
    return c_locale;
}

double rncl_number_parse(const char *text, char **end)
{
    return strtod_l(text, end, locale_of_numbers());
}

float rncl_number_parse_float(const char *text, char **end)
{
    return strtof_l(text, end, locale_of_numbers());
}

int rncl_number_vformat(char *text, size_t size, const char *format, va_list arguments)
{
    const locale_t callers = uselocale(locale_of_numbers());
    const int length = vsnprintf(text, size, format, arguments);
    uselocale(callers);
    return length;
}

int rncl_number_format(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = rncl_number_vformat(text, size, format, arguments);
    va_end(arguments);
    return length;
}

int rncl_number_print(FILE *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const locale_t callers = uselocale(locale_of_numbers());
    const int length = vfprintf(stream, format, arguments);
    uselocale(callers);
    va_end(arguments);
    return length;
}
