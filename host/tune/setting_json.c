/* Settings as JSON and as text. */
#include "setting_json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

json_t *rncl_setting_to_json(const rncl_setting *setting)
{
    json_t *knobs = json_object();
    for (int i = 0; i < setting->count; i++)
        if (json_object_set_new(knobs, setting->knobs[i].name, json_integer(setting->knobs[i].value))) {
            json_decref(knobs);
            return NULL;
        }
    return json_pack("{s:s, s:o}", "algorithm", setting->algorithm, "knobs", knobs);
}

bool rncl_setting_from_json(const json_t *object, rncl_setting *out)
{
    const char *algorithm = json_string_value(json_object_get(object, "algorithm")), *name;
    json_t *knobs = json_object_get(object, "knobs"), *value;
    *out = (rncl_setting){0};
    if (!algorithm || strlen(algorithm) >= RNCL_ALGORITHM_NAME || !json_is_object(knobs) ||
        json_object_size(knobs) > RNCL_KNOBS)
        return false;
    snprintf(out->algorithm, sizeof out->algorithm, "%s", algorithm);
    json_object_foreach(knobs, name, value)
    {
        const json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < INT_MIN || number > INT_MAX || strlen(name) >= RNCL_KNOB_NAME)
            return false;
        snprintf(out->knobs[out->count].name, RNCL_KNOB_NAME, "%s", name);
        out->knobs[out->count++].value = (int)number;
    }
    return true;
}

static bool has_knob(const rncl_setting *setting, const char *name, int value)
{
    for (int i = 0; i < setting->count; i++)
        if (!strcmp(setting->knobs[i].name, name))
            return setting->knobs[i].value == value;
    return false;
}

bool rncl_setting_equal(const rncl_setting *a, const rncl_setting *b)
{
    if (strcmp(a->algorithm, b->algorithm) != 0 || a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (!has_knob(b, a->knobs[i].name, a->knobs[i].value))
            return false;
    return true;
}

void rncl_setting_text(const rncl_setting *setting, char text[RNCL_SETTING_TEXT])
{
    int length = snprintf(text, RNCL_SETTING_TEXT, "%s", setting->algorithm);
    for (int i = 0; i < setting->count && length < RNCL_SETTING_TEXT; i++)
        length += snprintf(text + length, (size_t)(RNCL_SETTING_TEXT - length), "%s%s=%d", length ? " " : "",
                           setting->knobs[i].name, setting->knobs[i].value);
}
