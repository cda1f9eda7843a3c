/* Settings as JSON: {"algorithm": "direct", "knobs": {"kv": 2}}. */
#ifndef RNCL_TUNE_SETTING_JSON_H
#define RNCL_TUNE_SETTING_JSON_H

#include <jansson.h>

#include "knobs.h"

/* A new reference; NULL when out of memory. */
json_t *rncl_setting_to_json(const rncl_setting *setting);

/* False if the object is not a setting. */
bool rncl_setting_from_json(const json_t *object, rncl_setting *out);

bool rncl_setting_equal(const rncl_setting *a, const rncl_setting *b);

/* "direct kv=2 rows=14"; "vw=16 items=1" where there is no algorithm to name */
enum { RNCL_SETTING_TEXT = 256 };
void rncl_setting_text(const rncl_setting *setting, char text[RNCL_SETTING_TEXT]);

#endif
