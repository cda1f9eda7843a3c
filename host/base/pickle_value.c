/* Looking at the values of a pickle. */
#include <string.h>

#include "pickle.h"
#include "util.h"

static bool is_kind(const rncl_pickle_value *value, rncl_pickle_kind kind)
{
    return value && value->kind == kind;
}

bool rncl_pickle_is_text(const rncl_pickle_value *value, const char *text)
{
    return is_kind(value, RNCL_PICKLE_TEXT) && value->text.length == strlen(text) &&
           memcmp(value->text.characters, text, value->text.length) == 0;
}

const rncl_pickle_value *rncl_pickle_find(const rncl_pickle_value *dict, const char *key)
{
    const rncl_pickle_value *found = NULL;
    if (!is_kind(dict, RNCL_PICKLE_DICT))
        return NULL;
    for (const rncl_pickle_item *item = dict->items.first; item; item = item->next)
        if (rncl_pickle_is_text(item->key, key))
            found = item->value;
    return found;
}

const rncl_pickle_value *rncl_pickle_element(const rncl_pickle_value *sequence, size_t index)
{
    if (!is_kind(sequence, RNCL_PICKLE_TUPLE) && !is_kind(sequence, RNCL_PICKLE_LIST))
        return NULL;
    const rncl_pickle_item *item = sequence->items.first;
    while (item && index--)
        item = item->next;
    return item ? item->value : NULL;
}

bool rncl_pickle_size(const rncl_pickle_value *value, size_t *size)
{
    if (!is_kind(value, RNCL_PICKLE_INT) || value->integer < 0)
        return false;
    *size = (size_t)value->integer;
    return true;
}

const char *rncl_pickle_show(rncl_pickle_text text, char shown[RNCL_PICKLE_SHOWN_BYTES])
{
    const size_t length = MIN(text.length, (size_t)RNCL_PICKLE_SHOWN_BYTES - 1);
    memcpy(shown, text.characters, length);
    shown[length] = '\0';
    if (!rncl_text_is_plain(shown))
        memcpy(shown, "?", sizeof "?");
    return shown;
}
