/* rncl_predict: pictures through a trained network, and its answers in order of their probability. */
#include "predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "inference.h"
#include "labels.h"
#include "trained.h"
#include "util.h"

typedef struct predictor {
    rncl_context *context;
    const rncl_options *options;
    rncl_model_meta meta;
    rncl_graph *graph;
    rncl_dataset *pictures;
    const char *const *paths;
    const rncl_prediction_sink *sink;
    rncl_answer *answers; /* [classes] */
    uint32_t done, bad;   /* pictures */
} predictor;

/* By probability; of equal ones the first class. */
static int compare(const void *a, const void *b)
{
    const rncl_answer *left = a, *right = b;
    if (left->logit != right->logit)
        return left->logit > right->logit ? -1 : 1;
    return left->class_index - right->class_index;
}

/* Fills the answers from logits, in order. */
static void rank(const predictor *p, const float *logits)
{
    const int classes = p->options->network.classes;
    double largest = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++)
        largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < classes; i++)
        sum += exp((double)logits[i] - largest);
    for (int i = 0; i < classes; i++)
        p->answers[i] = (rncl_answer){
            .class_index = i,
            .label = i < p->meta.label_count ? p->meta.labels[i] : NULL,
            .probability = exp((double)logits[i] - largest) / sum,
            .logit = logits[i],
        };
    qsort(p->answers, (size_t)classes, sizeof *p->answers, compare);
}

static rncl_status take_batch(void *user, const rncl_batch *batch, const rncl_batch_result *result)
{
    predictor *p = user;
    const int classes = p->options->network.classes;
    for (int i = 0; i < batch->count; i++) {
        const uint32_t index = p->done++;
        const char *problem = rncl_files_problem(p->pictures, index);
        if (problem) {
            rncl_log_line(&p->context->log, RNCL_LOG_WARNING, "%s", problem);
            p->bad++;
            continue;
        }
        const float *logits = result->logits + (size_t)i * (size_t)classes;
        rank(p, logits);
        const rncl_prediction prediction = {
            .path = p->paths[index],
            .top = p->answers,
            .top_count = MIN(p->options->top, classes),
            .logits = logits,
            .classes = classes,
        };
        RNCL_TRY(p->sink->take(p->sink->user, &prediction));
    }
    return RNCL_OK;
}

/* Torchvision's models expect it, and most files without metadata are theirs. */
static void assume_imagenet(rncl_context *context, rncl_options *options)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
    if (rncl_option_source_of(options, "mean") != RNCL_FROM_DEFAULT ||
        rncl_option_source_of(options, "std") != RNCL_FROM_DEFAULT)
        return;
    memcpy(options->mean, mean, sizeof mean);
    memcpy(options->std, std, sizeof std);
    rncl_log_line(
        &context->log, RNCL_LOG_NOTE,
        "%s does not say how pictures are normalised: using ImageNet's mean and deviation; --mean and "
        "--std give others",
        options->model);
}

/* A batch is no larger than the pictures are many, and all are about as full. */
static int fitting_batch(int batch_size, uint32_t count)
{
    const uint32_t most = (uint32_t)batch_size, batches = (count + most - 1) / most;
    return (int)((count + batches - 1) / batches);
}

static rncl_status run(predictor *p)
{
    const rncl_options *options = p->options;
    rncl_loader_options loader = {
        .dataset = p->pictures,
        .batch_size = options->batch_size,
        .image = options->network.image,
        .channels = options->network.channels,
        .workers = options->workers,
    };
    memcpy(loader.mean, options->mean, sizeof loader.mean);
    memcpy(loader.std, options->std, sizeof loader.std);
    rncl_network *network;
    RNCL_TRY(rncl_trained_create(p->context, options, p->graph, true, &network));
    rncl_status st = rncl_infer(network, &loader, NULL, take_batch, p);
    rncl_network_destroy(network);
    return st;
}

static rncl_status predict(predictor *p, rncl_options *options, uint32_t count)
{
    RNCL_TRY(rncl_graph_build(&options->network, &p->graph));
    options->network = p->graph->options;
    RNCL_TRY(rncl_labels_default(options->network.classes, &p->meta));
    options->batch_size = fitting_batch(options->batch_size, count);
    p->answers = calloc((size_t)options->network.classes, sizeof *p->answers);
    if (!p->answers)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "answers of %d classes", options->network.classes);
    RNCL_TRY(rncl_files_open(p->paths, count, options->exif, &p->pictures));
    RNCL_TRY(run(p));
    if (p->bad)
        return RNCL_FAIL(RNCL_ERR_DATA, "%u of the %u pictures could not be read", (unsigned)p->bad,
                         (unsigned)count);
    return RNCL_OK;
}

rncl_status rncl_predict(rncl_context *context, rncl_options *options, const char *const *paths,
                         uint32_t count, const rncl_prediction_sink *sink)
{
    predictor p = {.context = context, .options = options, .paths = paths, .sink = sink};
    RNCL_TRY(rncl_trained_describe(options, &p.meta));
    if (!p.meta.has_network)
        assume_imagenet(context, options);
    rncl_status st = predict(&p, options, count);
    rncl_dataset_close(p.pictures);
    rncl_graph_destroy(p.graph);
    free(p.answers);
    rncl_model_meta_fini(&p.meta);
    return st;
}
