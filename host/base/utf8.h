/* Names of files are bytes; JSON, drawings and model files want UTF-8. */
#ifndef RNCL_BASE_UTF8_H
#define RNCL_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character that `text` begins with, the ending zero for one; 0 if it is no UTF-8. */
size_t rncl_utf8_character(const char *text);

/* A copy in which each byte that is no UTF-8 is written as \xe9 is, so that different names stay different;
 * text that is UTF-8 stays as it is. NULL when out of memory. Caller frees. */
char *rncl_utf8_text(const char *text);

#endif
