/* rncl check-data */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "console.h"
#include "data_check.h"

static void on_progress(void *user, uint32_t done, uint32_t count)
{
    rncl_console *console = user;
    char line[64];
    snprintf(line, sizeof line, "%" PRIu32 " of %" PRIu32 " pictures decoded", done, count);
    rncl_meter_status(&console->meter, line);
}

static json_t *describe_defects(const rncl_defects *defects)
{
    json_t *list = json_array();
    for (size_t i = 0; i < defects->count; i++) {
        /* A file's name need not be UTF-8, but JSON is. */
        const char *path = defects->items[i].path;
        json_t *name = json_string(path);
        if (!name)
            name = json_string_nocheck("(a name that is not UTF-8)");
        if (json_array_append_new(list,
                                  json_pack("{s:o, s:s}", "path", name, "problem", defects->items[i].text)))
            break;
    }
    return list;
}

static rncl_status print_json(const rncl_data_summary *s, const rncl_defects *defects)
{
    return rncl_json_print(json_pack("{s:s, s:i, s:I, s:I, s:[I, I], s:[I, I], s:o}", "format", s->format,
                                     "classes", s->classes, "training", (json_int_t)s->training, "validation",
                                     (json_int_t)s->validation, "least_size", (json_int_t)s->least_height,
                                     (json_int_t)s->least_width, "greatest_size",
                                     (json_int_t)s->greatest_height, (json_int_t)s->greatest_width,
                                     "problems", describe_defects(defects)));
}

static void print_text(const rncl_data_summary *s, const rncl_defects *defects)
{
    for (size_t i = 0; i < defects->count; i++)
        printf("%s: %s\n", defects->items[i].path, defects->items[i].text);
    printf("%s%s: %d classes, %" PRIu32 " pictures for training, %" PRIu32 " for validation, %" PRIu32
           "x%" PRIu32,
           defects->count ? "\n" : "", s->format, s->classes, s->training, s->validation, s->least_height,
           s->least_width);
    if (s->least_height != s->greatest_height || s->least_width != s->greatest_width)
        printf(" to %" PRIu32 "x%" PRIu32, s->greatest_height, s->greatest_width);
    printf(" pixels\n");
}

rncl_status rncl_check_data_run(rncl_options *options)
{
    if (!options->data[0])
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "rncl check-data needs a folder, such as `rncl check-data pictures`");
    rncl_console console;
    rncl_console_init(&console, options);
    const rncl_data_check_options check = {
        .path = options->data,
        .val_split = options->val_split,
        .workers = options->workers,
        .progress = on_progress,
        .user = &console,
    };
    rncl_data_summary summary;
    rncl_defects defects;
    rncl_status st = rncl_data_check(&check, &summary, &defects);
    rncl_meter_clear(&console.meter);
    if (!st && options->json)
        st = print_json(&summary, &defects);
    else if (!st)
        print_text(&summary, &defects);
    if (!st && defects.count)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: problems found: %zu", options->data, defects.count);
    rncl_defects_fini(&defects);
    return st;
}
