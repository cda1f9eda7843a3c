/* What a learning rate range test has found, as text, JSON, table and picture. */
#include "lr_find_command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch.h"
#include "file.h"
#include "lr_find.h"
#include "number.h"
#include "plot.h"
#include "run_folder.h"
#include "util.h"

static const char table_name[] = "lr-find.csv", picture_name[] = "lr-find.png";

static rncl_status write_table(const rncl_lr_find *found, const char *path)
{
    rncl_atomic_file file;
    RNCL_TRY(rncl_atomic_file_create(path, &file));
    fputs("step,lr,loss,smoothed\n", file.stream);
    for (size_t i = 0; i < found->count; i++)
        rncl_number_print(file.stream, "%zu,%.9g,%.9g,%.9g\n", i + 1, found->rates[i], found->losses[i],
                          found->smoothed[i]);
    return rncl_atomic_file_commit(&file);
}

/* Losses far above the first one are beyond the frame: only that they rise matters. */
static rncl_status draw(const rncl_options *options, const rncl_lr_find *found, const char *path)
{
    char title[256], end[96] = ": no rate lowers the loss";
    if (isfinite(found->suggestion))
        rncl_number_format(end, sizeof end, ": suggested learning rate %.2g", found->suggestion);
    snprintf(title, sizeof title, "%s-%d%s", rncl_arch_name(options->network.arch), options->network.depth,
             end);
    const rncl_plot_series series[] = {
        {.x = found->rates,
         .y = found->losses,
         .count = found->count,
         .label = "steps",
         .colour = 1,
         .faint = true},
        {.x = found->rates, .y = found->smoothed, .count = found->count, .label = "smoothed", .bold = true},
    };
    const double least = found->smoothed[found->least], first = found->smoothed[0];
    const rncl_plot_panel panel = {
        .x_label = "learning rate",
        .y_label = "loss",
        .series = series,
        .series_count = COUNT(series),
        .title = title,
        .logarithmic_x = true,
        .y_least = fmax(0, least - 0.5 * (first - least)),
        .y_most = first + fmax(0.5 * (first - least), 0.1 * first),
        .mark_x = isfinite(found->suggestion) ? &found->suggestion : NULL,
        .mark_y = &found->smoothed[found->steepest],
    };
    return rncl_plot_write(path, &panel, 1);
}

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, rncl_json_number(values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static rncl_status print_json(const rncl_lr_find *f, const char *table, const char *picture)
{
    return rncl_json_print(
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "suggestion", rncl_json_number(f->suggestion),
                  "least", rncl_json_number(f->rates[f->least]), "lr", numbers(f->rates, f->count), "loss",
                  numbers(f->losses, f->count), "table", rncl_json_text(table), "picture",
                  picture ? rncl_json_text(picture) : json_null(), "noise", rncl_lr_find_is_noise(f)));
}

static void print_text(const rncl_lr_find *f, const char *table, const char *picture)
{
    char text[64];
    rncl_number_format(text, sizeof text, "%g to %.2g in %zu steps", f->rates[0], f->end_rate, f->count);
    printf("learning rates      %s\n", text);
    rncl_number_format(text, sizeof text, "%.2g (loss %.4f)", f->rates[f->least], f->smoothed[f->least]);
    printf("least loss at       %s\n", text);
    rncl_number_format(text, sizeof text, "--lr %.2g, where the loss falls fastest", f->suggestion);
    printf("suggestion          %s\n", isfinite(f->suggestion) ? text : "none: no rate lowers the loss");
    printf("written             %s%s%s\n", table, picture ? ", " : "", picture ? picture : "");
}

/* --out; the folder of a resumed run is left as it is. */
static bool has_folder(const rncl_options *options)
{
    return options->out[0] && !options->resume[0];
}

/* In the folder of --out, which is made, or in the current one. */
static rncl_status choose_path(const rncl_options *options, const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (has_folder(options))
        return rncl_run_folder_path(options, name, path);
    snprintf(path, RNCL_TEXT_LENGTH, "%s", name);
    return RNCL_OK;
}

/* Before the steps are taken. */
static rncl_status check_output(const rncl_options *options)
{
    char table[RNCL_TEXT_LENGTH];
    if (has_folder(options))
        RNCL_TRY(rncl_directory_create(options->out));
    RNCL_TRY(choose_path(options, table_name, table));
    return rncl_file_try(table);
}

static void warn_of_noise(const rncl_log *log, const rncl_lr_find *found)
{
    char text[192];
    if (!isfinite(found->suggestion) || !rncl_lr_find_is_noise(found))
        return;
    rncl_number_format(
        text, sizeof text,
        "the loss falls by %.2g and scatters by %.2g from step to step: the suggestion may be chance; "
        "give more --steps or a larger --batch-size",
        found->fall, found->scatter);
    rncl_log_line(log, RNCL_LOG_WARNING, "%s", text);
}

static rncl_status write_all(const rncl_options *options, const rncl_lr_find *found)
{
    char table[RNCL_TEXT_LENGTH], picture[RNCL_TEXT_LENGTH];
    RNCL_TRY(choose_path(options, table_name, table));
    RNCL_TRY(choose_path(options, picture_name, picture));
    RNCL_TRY(write_table(found, table));
    const bool drawn = rncl_plot_available();
    if (drawn)
        RNCL_TRY(draw(options, found, picture));
    if (options->json)
        return print_json(found, table, drawn ? picture : NULL);
    print_text(found, table, drawn ? picture : NULL);
    return RNCL_OK;
}

rncl_status rncl_lr_find_command(rncl_console *console, rncl_context *context, rncl_options *options,
                                 const rncl_train_listener *listener)
{
    rncl_lr_find found;
    RNCL_TRY(check_output(options));
    rncl_status st = rncl_lr_find_run(context, options, listener, &found);
    rncl_meter_clear(&console->meter);
    if (!st)
        warn_of_noise(&console->log, &found);
    if (!st)
        st = write_all(options, &found);
    rncl_lr_find_fini(&found);
    return st;
}
