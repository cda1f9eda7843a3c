/* Reading and writing a store's JSON. */
#include "store_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json_text.h"
#include "setting_json.h"
#include "utf8.h"
#include "util.h"

enum { FORMAT = 1 };

rncl_status rncl_store_lines_add(rncl_store_lines *lines, const rncl_store_line *line)
{
    if (lines->count == lines->room) {
        size_t room = MAX(2 * lines->room, (size_t)64);
        rncl_store_line *grown = realloc(lines->lines, room * sizeof *grown);
        if (!grown)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu tuning results", room);
        lines->lines = grown;
        lines->room = room;
    }
    lines->lines[lines->count++] = *line;
    return RNCL_OK;
}

static bool copy_text(const json_t *object, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool parse_line(const json_t *object, rncl_store_line *line)
{
    char key[RNCL_PROBLEM_KEY];
    rncl_tuned_entry *entry = &line->entry;
    if (!copy_text(object, "problem", key, sizeof key) || !rncl_problem_parse(key, &entry->problem) ||
        !rncl_setting_from_json(object, &entry->setting) ||
        !copy_text(object, "driver", line->origin.driver, sizeof line->origin.driver) ||
        !copy_text(object, "kernels", line->origin.kernels, sizeof line->origin.kernels))
        return false;
    if (json_object_get(object, "failed")) {
        const char *why = json_string_value(json_object_get(object, "failed"));
        snprintf(line->why, sizeof line->why, "%s", why ? why : ""); /* a long one is cut off */
        return line->why[0] != '\0'; /* without a reason it would pass for a result */
    }
    entry->time_ns = (uint64_t)json_integer_value(json_object_get(object, "time_ns"));
    entry->preset_ns = (uint64_t)json_integer_value(json_object_get(object, "preset_ns"));
    entry->finished = json_is_true(json_object_get(object, "finished"));
    return entry->time_ns > 0;
}

static bool is_for(const json_t *document, const rncl_device_info *device)
{
    const char *platform = json_string_value(json_object_get(document, "platform"));
    const char *name = json_string_value(json_object_get(document, "device"));
    return platform && name && !strcmp(platform, device->platform) && !strcmp(name, device->name) &&
           json_integer_value(json_object_get(document, "compute_units")) ==
               (json_int_t)device->compute_units;
}

static rncl_status read_lines(const char *path, const json_t *document, bool own, rncl_store_lines *lines)
{
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(document, "results"), i, object)
    {
        rncl_store_line line = {.own = own};
        if (!parse_line(object, &line))
            return RNCL_FAIL(RNCL_ERR_DATA, "%s: result %zu is not one", path, i + 1);
        RNCL_TRY(rncl_store_lines_add(lines, &line));
    }
    return RNCL_OK;
}

static rncl_status read_document(const char *path, json_t **document)
{
    rncl_contents file;
    json_error_t error;
    RNCL_TRY(rncl_file_read(path, &file));
    const rncl_status st =
        rncl_json_parse(file.data ? (const char *)file.data : "", file.size_bytes, 0, document, &error);
    rncl_contents_free(&file);
    if (st == RNCL_ERR_MEMORY)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path);
    return st ? RNCL_FAIL(RNCL_ERR_DATA, "%s, line %d: %s", path, error.line, error.text) : RNCL_OK;
}

rncl_status rncl_store_file_read(const char *path, const rncl_device_info *device, bool own,
                                 rncl_store_lines *lines)
{
    if (!rncl_file_may_exist(path))
        return RNCL_OK;
    json_t *document;
    RNCL_TRY(read_document(path, &document));
    const size_t before = lines->count;
    rncl_status st = RNCL_OK;
    if (json_integer_value(json_object_get(document, "format")) != FORMAT)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s is not a tuning file of format %d", path, FORMAT);
    else if (is_for(document, device))
        st = read_lines(path, document, own, lines);
    else
        lines->foreign++;
    json_decref(document);
    if (st)
        lines->count = before;
    return st;
}

/* NULL when out of memory. */
static json_t *describe(const rncl_store_line *line)
{
    char key[RNCL_PROBLEM_KEY];
    rncl_problem_key(&line->entry.problem, key);
    json_t *object = json_pack("{s:s}", "problem", key),
           *setting = rncl_setting_to_json(&line->entry.setting);
    int failed = json_object_update(object, setting);
    json_decref(setting);
    if (line->why[0]) {
        /* What drivers say need not be UTF-8, least of all when it is cut off. */
        char *why = rncl_utf8_text(line->why);
        failed |= json_object_set_new(object, "failed", why ? json_string(why) : NULL);
        free(why);
    } else {
        failed |= json_object_set_new(object, "time_ns", json_integer((json_int_t)line->entry.time_ns));
        failed |= json_object_set_new(object, "preset_ns", json_integer((json_int_t)line->entry.preset_ns));
        failed |= json_object_set_new(object, "finished", json_boolean(line->entry.finished));
    }
    failed |= json_object_set_new(object, "driver", json_string(line->origin.driver));
    failed |= json_object_set_new(object, "kernels", json_string(line->origin.kernels));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* Writes `before` and the object without its last `left_out` bytes, and releases the object. False if it is
 * NULL or memory is short. */
static bool print_object(FILE *stream, json_t *object, const char *before, size_t left_out)
{
    char *line = object ? rncl_json_format(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!line)
        return false;
    fprintf(stream, "%s%.*s", before, (int)(strlen(line) - left_out), line);
    free(line);
    return true;
}

/* One result a line, so that diffs are readable. */
static bool print_results(FILE *stream, const rncl_device_info *device, const rncl_store_lines *lines)
{
    json_t *head = json_pack("{s:i, s:s, s:s, s:i}", "format", FORMAT, "platform", device->platform, "device",
                             device->name, "compute_units", (int)device->compute_units);
    /* Without the closing brace: the results follow. */
    bool complete = print_object(stream, head, "", 1);
    fputs(",\n\"results\":[", stream);
    const char *separator = "\n";
    for (size_t i = 0; complete && i < lines->count; i++) {
        if (!lines->lines[i].own)
            continue;
        complete = print_object(stream, describe(&lines->lines[i]), separator, 0);
        separator = ",\n";
    }
    fputs("\n]}\n", stream);
    return complete && !ferror(stream);
}

/* NULL when out of memory, so that a truncated text never replaces a good file. */
static char *format(const rncl_device_info *device, const rncl_store_lines *lines)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    const bool complete = print_results(stream, device, lines);
    if (fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}

rncl_status rncl_store_file_write(const char *path, const rncl_device_info *device,
                                  const rncl_store_lines *lines)
{
    char *text = format(device, lines);
    if (!text)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its text; the file is unchanged", path);
    rncl_status st = rncl_file_write(path, text, strlen(text));
    free(text);
    return st;
}
