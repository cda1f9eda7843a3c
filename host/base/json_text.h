/* JSON to and from text, whole or not at all: when memory is short, Jansson leaves out parts of names and
 * strings in silence (2.14: dump_string for names in dump.c, lex_save in load.c). */
#ifndef RNCL_BASE_JSON_TEXT_H
#define RNCL_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "status.h"

/* json_dumps; NULL when out of memory. Caller frees. */
char *rncl_json_format(const json_t *value, size_t flags);

/* json_loadb. RNCL_ERR_DATA if the text is no JSON, which `error` explains; RNCL_ERR_MEMORY. Records no
 * message. New reference. */
rncl_status rncl_json_parse(const char *text, size_t size_bytes, size_t flags, json_t **out,
                            json_error_t *error);

#endif
