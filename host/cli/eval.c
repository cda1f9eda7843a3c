/* rncl eval */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "console.h"
#include "paths.h"
#include "plot.h"
#include "trainer.h"

/* A list of names; NULL when out of memory. */
static json_t *describe_names(char *const *names, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        if (json_array_append_new(list, rncl_json_text(names[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static rncl_status print_json(const rncl_evaluation *result, const rncl_class_match *classes)
{
    return rncl_json_print(json_pack(
        "{s:I, s:b, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "images", (json_int_t)result->images, "finite",
        result->not_finite == 0, "loss", rncl_json_number(result->loss), "top1",
        rncl_json_number(result->top1), "top5", rncl_json_number(result->top5), "images_per_second",
        rncl_json_number(result->images_per_second), "matched_by", classes->by_name ? "name" : "position",
        "missing_classes", describe_names(classes->missing, classes->missing_count), "new_classes",
        describe_names(classes->added, classes->added_count)));
}

static void print_text(const rncl_evaluation *result, const rncl_options *options)
{
    printf("model   %s\n", options->model);
    printf("data    the validation part of %s: %" PRId64 " images\n",
           options->data[0] ? options->data : "the built-in shapes (no --data)", result->images);
    printf("result  loss %.4f, top-1 %.2f %%, top-5 %.2f %%", result->loss, result->top1, result->top5);
    /* Drivers compile during the first batch. */
    if (result->images >= 2 * options->batch_size)
        printf(" (%.0f images/s)", result->images_per_second);
    putchar('\n');
    if (options->report[0])
        printf("report  %s/per_class.csv, confusion.csv%s\n", options->report,
               rncl_plot_available() ? ", confusion.png" : "");
}

rncl_status rncl_eval_run(rncl_options *options)
{
    RNCL_TRY(rncl_paths_complete_model(options, "eval"));
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    rncl_evaluation result;
    rncl_class_match classes = {0};
    rncl_status st = rncl_evaluate(context, options, &result, &classes);
    rncl_meter_clear(&console.meter);
    rncl_status printed = RNCL_OK;
    if (options->json && (!st || st == RNCL_ERR_DIVERGED))
        printed = print_json(&result, &classes);
    else if (!st)
        print_text(&result, options);
    rncl_class_match_fini(&classes);
    rncl_context_destroy(context);
    return st ? st : printed;
}
