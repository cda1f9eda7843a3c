/* Knobs and settings. */
#include "knobs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static bool has_value(const rncl_knob *knob, int value)
{
    for (int i = 0; i < knob->count; i++)
        if (knob->values[i] == value)
            return true;
    return false;
}

void rncl_knobs_add(rncl_knobs *knobs, rncl_knob_name name, int preset, const int *values, size_t count)
{
    assert(knobs->count < RNCL_KNOBS && count < RNCL_KNOB_VALUES && strlen(name.name) < RNCL_KNOB_NAME);
    rncl_knob *knob = &knobs->knobs[knobs->count++];
    *knob = (rncl_knob){.is = name, .preset = preset, .count = (int)count};
    memcpy(knob->values, values, count * sizeof *values);
    if (!has_value(knob, preset))
        knob->values[knob->count++] = preset;
}

void rncl_knobs_add_doubling(rncl_knobs *knobs, rncl_knob_name name, int preset, int first, int most)
{
    int values[RNCL_KNOB_VALUES - 1];
    size_t count = 0;
    for (int value = first; value <= most && count < COUNT(values); value *= 2)
        values[count++] = value;
    rncl_knobs_add(knobs, name, preset, values, count);
}

void rncl_knobs_last_is_of_batch(rncl_knobs *knobs)
{
    knobs->knobs[knobs->count - 1].of_batch = true;
}

static int find(const rncl_knobs *knobs, const char *name)
{
    for (int i = 0; i < knobs->count; i++)
        if (!strcmp(knobs->knobs[i].is.name, name))
            return i;
    return -1;
}

bool rncl_knobs_resolve(const rncl_knobs *knobs, const rncl_setting *setting, int *values)
{
    for (int i = 0; i < knobs->count; i++)
        values[i] = knobs->knobs[i].preset;
    for (int i = 0; setting && i < setting->count; i++) {
        int at = find(knobs, setting->knobs[i].name);
        if (at >= 0 && knobs->knobs[at].of_batch && setting->other_batch)
            continue;
        if (at < 0 || !has_value(&knobs->knobs[at], setting->knobs[i].value))
            return false;
        values[at] = setting->knobs[i].value;
    }
    return true;
}

rncl_setting rncl_knobs_setting(const rncl_knobs *knobs, const char *algorithm, const int *values)
{
    rncl_setting setting = {0};
    snprintf(setting.algorithm, sizeof setting.algorithm, "%s", algorithm);
    for (int i = 0; i < knobs->count; i++) {
        snprintf(setting.knobs[setting.count].name, RNCL_KNOB_NAME, "%s", knobs->knobs[i].is.name);
        setting.knobs[setting.count++].value = values[i];
    }
    return setting;
}
