/* rncl_evaluate: loss and accuracy of a model file, and its report by class. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confusion.h"
#include "file.h"
#include "inputs.h"
#include "labels.h"
#include "measure.h"
#include "plot.h"
#include "relabel.h"
#include "self_test.h"
#include "trained.h"
#include "trainer.h"
#include "util.h"

typedef struct evaluation {
    rncl_context *context;
    const rncl_options *options;
    const rncl_evaluation_listener *listener; /* NULL: none */
    rncl_model_meta meta;
    rncl_inputs inputs;
    rncl_graph *graph;
    int micro_batch; /* of the network at hand; 0: there was none */
} evaluation;

/* The name of class `i` in the data, else in the model; NULL: neither has one. */
static const char *label_of(const evaluation *e, int i)
{
    const rncl_dataset_info *info = &e->inputs.validation->info;
    if (info->labels && i < info->classes)
        return info->labels[i];
    return i < e->meta.label_count ? e->meta.labels[i] : NULL;
}

/* "a, b, c and 7 more" */
static void list_names(char *const *names, int count, char *text, size_t size)
{
    enum { SHOWN = 5 };
    size_t length = 0;
    for (int i = 0; i < MIN(count, SHOWN) && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", names[i]);
    if (count > SHOWN && length < size)
        snprintf(text + length, size - length, " and %d more", count - SHOWN);
}

static void tell_match(const evaluation *e, const rncl_class_match *match)
{
    const rncl_log *log = &e->context->log;
    const char *const *labels = e->inputs.validation->info.labels;
    char names[256];
    if (!match->by_name && labels && e->meta.label_count)
        rncl_log_line(
            log, RNCL_LOG_WARNING,
            "the class names of the data (%s, …) and of the model (%s, …) have none in common: classes "
            "are matched by their position",
            labels[0], e->meta.labels[0]);
    list_names(match->missing, match->missing_count, names, sizeof names);
    if (match->missing_count)
        rncl_log_line(log, RNCL_LOG_NOTE,
                      "classes are matched by name; %d of the model are not in the data: %s",
                      match->missing_count, names);
    list_names(match->added, match->added_count, names, sizeof names);
    if (match->added_count)
        rncl_log_line(
            log, RNCL_LOG_WARNING,
            "classes are matched by name; %d of the data are new to the model, and their pictures do "
            "not count: %s",
            match->added_count, names);
}

/* Puts the pictures under the model's classes where both sides have names. */
static rncl_status match_classes(evaluation *e, rncl_class_match *match)
{
    const rncl_dataset_info *info = &e->inputs.validation->info;
    const int classes = e->options->network.classes;
    RNCL_TRY(rncl_labels_default(classes ? classes : info->classes, &e->meta));
    const rncl_class_names model = {(const char *const *)e->meta.labels, e->meta.label_count};
    const rncl_class_names data = {info->labels, info->labels ? info->classes : 0};
    RNCL_TRY(rncl_class_match_init(&model, &data, match));
    tell_match(e, match);
    if (!match->by_name)
        return RNCL_OK;
    return rncl_dataset_relabel(&e->inputs.validation, match->model_of, model.count, model.names);
}

/* Names of all classes, in `labels` for the caller to free; numbers where there are no names. */
static rncl_status name_classes(const evaluation *e, char **labels, int classes)
{
    for (int i = 0; i < classes; i++) {
        const char *label = label_of(e, i);
        labels[i] = label ? strdup(label) : rncl_text_format("%d", i);
        if (!labels[i])
            return RNCL_FAIL(RNCL_ERR_MEMORY, "labels of %d classes", classes);
    }
    return RNCL_OK;
}

static rncl_status draw_report(const evaluation *e, const rncl_confusion *confusion)
{
    if (!rncl_plot_available()) {
        rncl_log_line(&e->context->log, RNCL_LOG_WARNING,
                      "%s gets no confusion.png: this rncl was built without cairo", e->options->report);
        return RNCL_OK;
    }
    char *path = rncl_path_join(e->options->report, "confusion.png");
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s/confusion.png", e->options->report);
    rncl_status st = rncl_plot_confusion(path, confusion->counts, confusion->classes, confusion->labels);
    free(path);
    return st;
}

/* Into the folder of the options, and to the listener. */
static rncl_status report(const evaluation *e, const rncl_tally *tally)
{
    char **labels = calloc((size_t)tally->classes, sizeof *labels);
    if (!labels)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "labels of %d classes", tally->classes);
    const rncl_confusion confusion = {tally->confusion, tally->classes, (const char *const *)labels};
    rncl_status st = name_classes(e, labels, tally->classes);
    if (!st && e->options->report[0])
        st = rncl_confusion_write(&confusion, e->options->report);
    if (!st && e->options->report[0])
        st = draw_report(e, &confusion);
    if (!st && e->listener)
        st = e->listener->counted(e->listener->user, &confusion);
    for (int i = 0; i < tally->classes; i++)
        free(labels[i]);
    free(labels);
    return st;
}

static rncl_status measure_with(evaluation *e, rncl_tally *tally, rncl_evaluation *result)
{
    const rncl_loader_options loader = rncl_inputs_validation(&e->inputs, e->options);
    const rncl_measure_setup setup = {.loader = &loader,
                                      .tally = tally,
                                      .sink = e->listener ? e->listener->batch : NULL,
                                      .user = e->listener ? e->listener->user : NULL};
    rncl_network *network;
    RNCL_TRY(rncl_trained_create(e->context, e->options, e->graph, tally != NULL, &network));
    e->micro_batch = rncl_network_facts_of(network)->micro_batch;
    rncl_status st = e->options->self_test ? rncl_self_test(e->context, network) : RNCL_OK;
    if (!st)
        st = rncl_measure(network, &setup, result);
    rncl_network_destroy(network);
    return st;
}

/* Logits are read back and counted on the host only where something needs them. */
static rncl_status measure(evaluation *e, rncl_evaluation *result)
{
    const rncl_options *options = e->options;
    const bool reports = options->report[0] || e->listener;
    if (options->crops == 1 && !reports)
        return measure_with(e, NULL, result);
    if (e->listener)
        e->listener->begin(e->listener->user);
    rncl_tally tally;
    RNCL_TRY(rncl_tally_init(&tally, options->network.classes, options->crops));
    rncl_status st = measure_with(e, &tally, result);
    if (!st && reports && !result->not_finite)
        st = report(e, &tally);
    rncl_tally_fini(&tally);
    return st;
}

/* Such a model answers nothing, whatever its accuracy on the other pictures. */
static rncl_status check_finite(const evaluation *e, const rncl_evaluation *result)
{
    if (!result->not_finite)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_DIVERGED,
                     "%s: outputs for %" PRId64 " of %" PRId64 " pictures are not finite; take weights from "
                     "before the training diverged, such as best.safetensors",
                     e->options->model, result->not_finite, result->images);
}

/* Begins again with smaller micro-batches where the device runs out of memory. */
static rncl_status measure_smaller(evaluation *e, rncl_options *options, rncl_evaluation *result)
{
    for (;;) {
        e->micro_batch = 0;
        const rncl_status st = measure(e, result);
        if (st != RNCL_ERR_DEVICE_MEMORY)
            return st;
        options->micro_batch = rncl_network_smaller(e->context, options->batch_size, e->micro_batch);
        if (!options->micro_batch)
            return st;
    }
}

rncl_status rncl_evaluate_heard(rncl_context *context, rncl_options *options,
                                const rncl_evaluation_listener *listener, rncl_evaluation *result,
                                rncl_class_match *classes)
{
    *result = (rncl_evaluation){0};
    rncl_class_match match = {0};
    evaluation e = {.context = context, .options = options, .listener = listener};
    RNCL_TRY(rncl_trained_describe(options, &e.meta));
    rncl_status st = rncl_inputs_open(options, false, &context->log, &e.inputs);
    if (!st)
        st = match_classes(&e, &match);
    if (!st)
        st = rncl_inputs_complete(&e.inputs, options);
    if (!st)
        st = rncl_graph_build(&options->network, &e.graph);
    if (!st && options->report[0])
        st = rncl_directory_create(options->report);
    if (!st) {
        rncl_graph_align(e.graph, context->info.address_alignment);
        st = measure_smaller(&e, options, result);
    }
    if (!st)
        st = check_finite(&e, result);
    rncl_graph_destroy(e.graph);
    rncl_inputs_close(&e.inputs);
    rncl_model_meta_fini(&e.meta);
    if (classes && (!st || st == RNCL_ERR_DIVERGED))
        *classes = match;
    else
        rncl_class_match_fini(&match);
    return st;
}

rncl_status rncl_evaluate(rncl_context *context, rncl_options *options, rncl_evaluation *result,
                          rncl_class_match *classes)
{
    return rncl_evaluate_heard(context, options, NULL, result, classes);
}
