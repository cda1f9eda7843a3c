/* JSON to text goes into memory that is taken before; JSON from text is parsed twice and compared. */
#include "json_text.h"

#include <stdbool.h>
#include <stdlib.h>

char *rncl_json_format(const json_t *value, size_t flags)
{
    const size_t length = json_dumpb(value, NULL, 0, flags);
    char *text = length ? malloc(length + 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(value, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* Jansson does not always name a shortage of memory: an error without a name is not one in the text, and a
 * string for which there is no memory is called a wrong one. Whether there is enough for any string of the
 * text is tried. */
static bool is_in_text(const json_error_t *error, const char *text, size_t size_bytes)
{
    const enum json_error_code code = json_error_code(error);
    json_t *string = json_stringn_nocheck(text, size_bytes);
    json_decref(string);
    return string && code != json_error_out_of_memory && code != json_error_unknown;
}

rncl_status rncl_json_parse(const char *text, size_t size_bytes, size_t flags, json_t **out,
                            json_error_t *error)
{
    *error = (json_error_t){0}; /* Jansson does not set the code of every error */
    json_t *value = json_loadb(text, size_bytes, flags, error);
    json_t *again = json_loadb(text, size_bytes, flags, error);
    const bool same = json_equal(value, again),
               no_json = !value && !again && is_in_text(error, text, size_bytes);
    json_decref(again);
    *out = same ? value : NULL;
    if (same)
        return RNCL_OK;
    json_decref(value);
    return no_json ? RNCL_ERR_DATA : RNCL_ERR_MEMORY;
}
