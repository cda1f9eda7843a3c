/* rncl eval */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "console.h"
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

static rncl_status print_result(const rncl_evaluation *result, const rncl_class_match *classes, bool json)
{
    if (json)
        return rncl_json_print(
            json_pack("{s:I, s:o, s:o, s:o, s:s, s:o, s:o}", "images", (json_int_t)result->images, "loss",
                      rncl_json_number(result->loss), "top1", rncl_json_number(result->top1), "top5",
                      rncl_json_number(result->top5), "matched_by", classes->by_name ? "name" : "position",
                      "missing_classes", describe_names(classes->missing, classes->missing_count),
                      "new_classes", describe_names(classes->added, classes->added_count)));
    printf("%" PRId64 " images: loss %.4f, top-1 %.2f %%, top-5 %.2f %% (%.0f images/s)\n", result->images,
           result->loss, result->top1, result->top5, result->images_per_second);
    return RNCL_OK;
}

rncl_status rncl_eval_run(rncl_options *options)
{
    if (!options->model[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl eval needs --model FILE, such as runs/NAME/best.safetensors");
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    rncl_evaluation result;
    rncl_class_match classes = {0};
    rncl_status st = rncl_evaluate(context, options, &result, &classes);
    if (!st)
        st = print_result(&result, &classes, options->json);
    rncl_class_match_fini(&classes);
    rncl_context_destroy(context);
    return st;
}
