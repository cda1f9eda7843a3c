/* rncl predict: answers as text, as CSV rows or as one JSON document. */
#include "predict.h"

#include <stdio.h>

#include "command.h"
#include "console.h"
#include "csv.h"
#include "paths.h"

typedef struct printer {
    const rncl_options *options;
    rncl_meter *meter;   /* its live line is on the terminal that the answers may go to */
    json_t *predictions; /* of --json */
} printer;

/* ---- text ---- */

static rncl_status print_text(void *user, const rncl_prediction *prediction)
{
    const printer *p = user;
    rncl_meter_clear(p->meter);
    printf("%s\n", prediction->path);
    if (!prediction->finite)
        puts("  no answer: the model's outputs are not finite");
    for (int i = 0; i < prediction->top_count; i++) {
        const rncl_answer *answer = &prediction->top[i];
        printf("  %6.2f %%  %d", 100 * answer->probability, answer->class_index);
        if (answer->label)
            printf("  %s", answer->label);
        if (p->options->logits)
            printf("  (logit %.9g)", (double)answer->logit);
        putchar('\n');
    }
    return RNCL_OK;
}

/* ---- CSV ---- */

/* A row with the picture's name and no answer. */
static void print_csv_gap(const printer *p, const rncl_prediction *prediction)
{
    rncl_csv_text(stdout, prediction->path);
    printf(",,,,%s\n", p->options->logits ? "," : "");
}

static rncl_status print_csv(void *user, const rncl_prediction *prediction)
{
    const printer *p = user;
    rncl_meter_clear(p->meter);
    if (!prediction->finite)
        print_csv_gap(p, prediction);
    for (int i = 0; i < prediction->top_count; i++) {
        const rncl_answer *answer = &prediction->top[i];
        rncl_csv_text(stdout, prediction->path);
        printf(",%d,%d,", i + 1, answer->class_index);
        rncl_csv_text(stdout, answer->label ? answer->label : "");
        printf(",%.9g", answer->probability);
        if (p->options->logits)
            printf(",%.9g", (double)answer->logit);
        putchar('\n');
    }
    return RNCL_OK;
}

/* ---- JSON ---- */

static json_t *describe_top(const rncl_prediction *prediction)
{
    json_t *top = json_array();
    for (int i = 0; i < prediction->top_count; i++) {
        const rncl_answer *answer = &prediction->top[i];
        json_t *label = answer->label ? rncl_json_text(answer->label) : json_null();
        if (json_array_append_new(top,
                                  json_pack("{s:i, s:o, s:o}", "class", answer->class_index, "label", label,
                                            "probability", rncl_json_number(answer->probability))))
            break;
    }
    return top;
}

static json_t *describe_logits(const rncl_prediction *prediction)
{
    json_t *logits = json_array();
    for (int i = 0; i < prediction->classes; i++)
        if (json_array_append_new(logits, rncl_json_number((double)prediction->logits[i])))
            break;
    return logits;
}

static rncl_status add_json(void *user, const rncl_prediction *prediction)
{
    printer *p = user;
    json_t *entry = json_pack("{s:o, s:b, s:o}", "image", rncl_json_text(prediction->path), "finite",
                              prediction->finite, "top", describe_top(prediction));
    int failed = entry == NULL;
    if (!failed && p->options->logits)
        failed = json_object_set_new(entry, "logits", describe_logits(prediction));
    failed |= json_array_append_new(p->predictions, entry);
    return failed ? RNCL_FAIL(RNCL_ERR_MEMORY, "JSON document") : RNCL_OK;
}

/* ---- all of it ---- */

static rncl_status check_usage(const rncl_options *options)
{
    if (options->argument_count == 0)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "rncl predict needs pictures: PNG, JPEG or WebP files, or folders of them");
    if (options->json && options->csv)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--json and --csv: choose one");
    return RNCL_OK;
}

static rncl_status predict(rncl_context *context, rncl_options *options, rncl_meter *meter)
{
    printer p = {.options = options, .meter = meter};
    rncl_prediction_sink sink = {.take = print_text, .user = &p};
    if (options->csv) {
        sink.take = print_csv;
        printf("image,rank,class,label,probability%s\n", options->logits ? ",logit" : "");
    }
    if (options->json) {
        sink.take = add_json;
        p.predictions = json_array();
    }
    rncl_predictor *predictor;
    rncl_status st = rncl_predictor_open(context, options, &predictor);
    if (!st)
        st = rncl_predictor_files(predictor, (const char *const *)options->arguments,
                                  (uint32_t)options->argument_count, &sink);
    rncl_predictor_destroy(predictor);
    rncl_meter_clear(meter);
    /* Pictures that could not be read, or have no answer, do not keep the others from being told. */
    rncl_status printed = RNCL_OK;
    if (options->json && (!st || st == RNCL_ERR_DATA || st == RNCL_ERR_DIVERGED))
        printed = rncl_json_print(
            json_pack("{s:b, s:O}", "finite", st != RNCL_ERR_DIVERGED, "predictions", p.predictions));
    json_decref(p.predictions);
    return st ? st : printed;
}

rncl_status rncl_predict_run(rncl_options *options)
{
    RNCL_TRY(rncl_paths_complete_model(options, "predict"));
    RNCL_TRY(check_usage(options));
    rncl_console console;
    rncl_console_init(&console, options);
    RNCL_TRY(rncl_paths_expand_pictures(options, &console.log));
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    rncl_status st = predict(context, options, &console.meter);
    rncl_context_destroy(context);
    return st;
}
