/* Numbers in text have a decimal point, whatever locale the program that uses the library has set. All text
 * with floating-point numbers, in files, options and messages, is parsed and printed through these. */
#ifndef RNCL_BASE_NUMBER_H
#define RNCL_BASE_NUMBER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* As strtod and strtof in the C locale. */
double rncl_number_parse(const char *text, char **end);
float rncl_number_parse_float(const char *text, char **end);

/* As snprintf, vsnprintf and fprintf in the C locale. */
int rncl_number_format(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int rncl_number_vformat(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int rncl_number_print(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
