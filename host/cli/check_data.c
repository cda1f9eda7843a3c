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

/* Those of one kind, or worse ones too. */
static json_t *describe_defects(const rncl_defects *defects, rncl_defect_kind least, rncl_defect_kind most)
{
    json_t *list = json_array();
    for (size_t i = 0; i < defects->count; i++) {
        const rncl_defect *defect = &defects->items[i];
        if (defect->kind < least || defect->kind > most)
            continue;
        if (json_array_append_new(list, json_pack("{s:o, s:o}", "path", rncl_json_text(defect->path),
                                                  "problem", rncl_json_text(defect->text))))
            break;
    }
    return list;
}

static json_t *describe_path(const char *path)
{
    return path ? rncl_json_text(path) : json_null();
}

static rncl_status print_json(const rncl_data_summary *s, const rncl_defects *defects)
{
    return rncl_json_print(
        json_pack("{s:s, s:i, s:I, s:I, s:o, s:o, s:I, s:[I, I], s:[I, I], s:o, s:o}", "format", s->format,
                  "classes", s->classes, "training", (json_int_t)s->training, "validation",
                  (json_int_t)s->validation, "training_path", describe_path(s->training_path),
                  "validation_path", describe_path(s->validation_path), "turned", (json_int_t)s->turned,
                  "least_size", (json_int_t)s->least_height, (json_int_t)s->least_width, "greatest_size",
                  (json_int_t)s->greatest_height, (json_int_t)s->greatest_width, "problems",
                  describe_defects(defects, RNCL_DEFECT_LEFT_OUT, RNCL_DEFECT_WRONG), "notes",
                  describe_defects(defects, RNCL_DEFECT_HARMLESS, RNCL_DEFECT_HARMLESS)));
}

static void print_summary(const rncl_data_summary *s)
{
    printf("%s: %d classes, pictures of %" PRIu32 "x%" PRIu32, s->format, s->classes, s->least_height,
           s->least_width);
    if (s->least_height != s->greatest_height || s->least_width != s->greatest_width)
        printf(" to %" PRIu32 "x%" PRIu32, s->greatest_height, s->greatest_width);
    printf(" pixels\n");
}

static void print_splits(const rncl_options *options, const rncl_data_summary *s)
{
    printf("training split: %" PRIu32 " pictures%s%s\n", s->training, s->training_path ? " in " : "",
           s->training_path ? s->training_path : "");
    printf("validation split: %" PRIu32 " pictures", s->validation);
    if (s->validation_path)
        printf(" in %s", s->validation_path);
    else if (s->training_path)
        printf(", %g %% of each class of these", 100 * (double)options->val_split);
    putchar('\n');
}

static void print_text(const rncl_options *options, const rncl_data_summary *s, const rncl_defects *defects)
{
    for (size_t i = 0; i < defects->count; i++)
        printf("%s: %s\n", defects->items[i].path, defects->items[i].text);
    if (defects->count)
        putchar('\n');
    print_summary(s);
    print_splits(options, s);
    if (s->turned)
        printf("turned or mirrored, as their EXIF data says: %" PRIu32 " pictures\n", s->turned);
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
        .classes = options->network.classes,
        .workers = options->workers,
        .log = &console.log,
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
        print_text(options, &summary, &defects);
    const size_t problems = rncl_defects_count(&defects, RNCL_DEFECT_LEFT_OUT);
    if (!st && problems)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s: problems found: %zu", options->data, problems);
    rncl_data_summary_fini(&summary);
    rncl_defects_fini(&defects);
    return st;
}
