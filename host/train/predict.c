/* Pictures through a trained network, and its answers in order of their probability. */
#include "predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "automatic.h"
#include "files.h"
#include "inference.h"
#include "memory.h"
#include "session.h"
#include "trained.h"
#include "util.h"

struct rncl_predictor {
    rncl_context *context;
    bool owns_context;
    rncl_options options; /* complete */
    rncl_model_meta meta;
    rncl_graph *graph;
    rncl_network *network; /* for batches of batch_size; NULL before the first call */
    int batch_size;
    rncl_answer *answers;  /* [classes] */
    double *probabilities; /* [classes] */
};

/* One call of rncl_predictor_files or rncl_predictor_images. */
typedef struct request {
    rncl_predictor *predictor;
    const rncl_dataset *pictures;
    const char *const *paths; /* NULL: in memory */
    const rncl_prediction_sink *sink;
    uint32_t done, bad, not_finite; /* pictures: answered for, unreadable, without finite outputs */
} request;

/* By probability; of equal ones the first class. */
static int compare(const void *a, const void *b)
{
    const rncl_answer *left = a, *right = b;
    if (left->logit != right->logit)
        return left->logit > right->logit ? -1 : 1;
    return left->class_index - right->class_index;
}

/* Instead of rank, where logits have no order. */
static void leave_unanswered(const rncl_predictor *p)
{
    for (int i = 0; i < p->options.network.classes; i++)
        p->probabilities[i] = NAN;
}

/* Fills probabilities, and answers in order, from logits. */
static void rank(const rncl_predictor *p, const float *logits)
{
    const int classes = p->options.network.classes;
    double largest = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++)
        largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < classes; i++)
        sum += exp((double)logits[i] - largest);
    for (int i = 0; i < classes; i++) {
        p->probabilities[i] = exp((double)logits[i] - largest) / sum;
        p->answers[i] = (rncl_answer){
            .class_index = i,
            .label = i < p->meta.label_count ? p->meta.labels[i] : NULL,
            .probability = p->probabilities[i],
            .logit = logits[i],
        };
    }
    qsort(p->answers, (size_t)classes, sizeof *p->answers, compare);
}

static rncl_status take_batch(void *user, const rncl_batch *batch, const rncl_batch_result *result)
{
    request *r = user;
    const rncl_predictor *p = r->predictor;
    const int classes = p->options.network.classes;
    for (int i = 0; i < batch->count; i++) {
        const uint32_t index = r->done++;
        const char *problem = r->paths ? rncl_files_problem(r->pictures, index) : NULL;
        if (problem) {
            rncl_log_line(&p->context->log, RNCL_LOG_WARNING, "%s", problem);
            r->bad++;
            continue;
        }
        const float *logits = result->logits + (size_t)i * (size_t)classes;
        const bool finite = rncl_all_finite(logits, (size_t)classes);
        if (finite)
            rank(p, logits);
        else
            leave_unanswered(p);
        r->not_finite += !finite;
        const rncl_prediction prediction = {
            .index = index,
            .path = r->paths ? r->paths[index] : NULL,
            .finite = finite,
            .top = p->answers,
            .top_count = finite ? MIN(p->options.top, classes) : 0,
            .logits = logits,
            .probabilities = p->probabilities,
            .classes = classes,
        };
        RNCL_TRY(r->sink->take(r->sink->user, &prediction));
    }
    return RNCL_OK;
}

/* Batches that are as equal as the number of pictures allows, and no larger than the option says. */
static int fitting_batch(int batch_size, uint32_t count)
{
    const uint32_t most = (uint32_t)batch_size, batches = (count + most - 1) / most;
    return (int)((count + batches - 1) / batches);
}

/* The network for such batches; the last call's, if it was for the same. */
static rncl_status make_network(rncl_predictor *p, int batch_size)
{
    if (p->network && p->batch_size == batch_size)
        return RNCL_OK;
    rncl_network_destroy(p->network);
    p->network = NULL;
    rncl_options options = p->options;
    options.batch_size = p->batch_size = batch_size;
    return rncl_trained_create(p->context, &options, p->graph, true, &p->network);
}

static rncl_status answer(request *r, uint32_t count)
{
    rncl_predictor *p = r->predictor;
    const rncl_options *options = &p->options;
    RNCL_TRY(make_network(p, fitting_batch(options->batch_size, count)));
    rncl_loader_options loader = {
        .dataset = r->pictures,
        .batch_size = p->batch_size,
        .image = options->network.image,
        .channels = options->network.channels,
        .workers = options->workers,
    };
    memcpy(loader.mean, options->mean, sizeof loader.mean);
    memcpy(loader.std, options->std, sizeof loader.std);
    RNCL_TRY(rncl_infer(p->network, &loader, NULL, take_batch, r));
    if (r->not_finite)
        return RNCL_FAIL(RNCL_ERR_DIVERGED,
                         "%s: outputs for %u of %u pictures are not finite; take weights from before the "
                         "training diverged, such as best.safetensors",
                         options->model, (unsigned)r->not_finite, (unsigned)count);
    if (r->bad)
        return RNCL_FAIL(RNCL_ERR_DATA, "%u of the %u pictures could not be read", (unsigned)r->bad,
                         (unsigned)count);
    return RNCL_OK;
}

rncl_status rncl_predictor_files(rncl_predictor *predictor, const char *const *paths, uint32_t count,
                                 const rncl_prediction_sink *sink)
{
    RNCL_NEED(predictor);
    RNCL_NEED(sink && sink->take);
    if (count == 0)
        return RNCL_OK;
    RNCL_NEED(paths);
    rncl_dataset *pictures;
    RNCL_TRY(rncl_files_open(paths, count, predictor->options.exif, &pictures));
    request r = {.predictor = predictor, .pictures = pictures, .paths = paths, .sink = sink};
    rncl_status st = answer(&r, count);
    rncl_dataset_close(pictures);
    return st;
}

rncl_status rncl_predictor_images(rncl_predictor *predictor, const rncl_image_set *images,
                                  const rncl_prediction_sink *sink)
{
    RNCL_NEED(predictor);
    RNCL_NEED(images);
    RNCL_NEED(sink && sink->take);
    if (images->count == 0)
        return RNCL_OK;
    RNCL_TRY(rncl_memory_check(images, false, "predicted"));
    rncl_dataset *pictures;
    RNCL_TRY(rncl_memory_open(images, &pictures));
    request r = {.predictor = predictor, .pictures = pictures, .sink = sink};
    rncl_status st = answer(&r, images->count);
    rncl_dataset_close(pictures);
    return st;
}

/* ---- creation ---- */

static rncl_status prepare(rncl_predictor *p)
{
    rncl_options *options = &p->options;
    if (!options->model[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "prediction needs option model, a file of weights");
    rncl_automatic_settle(options);
    RNCL_TRY(rncl_trained_open(&p->context->log, options, &p->meta, &p->graph));
    rncl_graph_align(p->graph, p->context->info.address_alignment);
    const size_t classes = (size_t)options->network.classes;
    p->answers = calloc(classes, sizeof *p->answers);
    p->probabilities = calloc(classes, sizeof *p->probabilities);
    if (!p->answers || !p->probabilities)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "answers of %zu classes", classes);
    return RNCL_OK;
}

rncl_status rncl_predictor_open(rncl_context *context, const rncl_options *options, rncl_predictor **out)
{
    *out = NULL;
    rncl_predictor *p = calloc(1, sizeof *p);
    if (!p)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "predictor");
    p->context = context;
    p->options = *options;
    rncl_status st = prepare(p);
    if (st) {
        rncl_predictor_destroy(p);
        return st;
    }
    *out = p;
    return RNCL_OK;
}

rncl_status rncl_predictor_create(const rncl_session *session, rncl_predictor **out)
{
    RNCL_NEED(out);
    *out = NULL;
    RNCL_NEED(session);
    rncl_context *context;
    RNCL_TRY(rncl_session_open_device(session, &context));
    rncl_status st = rncl_predictor_open(context, &session->options, out);
    if (st)
        rncl_context_destroy(context);
    else
        (*out)->owns_context = true;
    return st;
}

void rncl_predictor_destroy(rncl_predictor *p)
{
    if (!p)
        return;
    rncl_network_destroy(p->network);
    rncl_graph_destroy(p->graph);
    rncl_model_meta_fini(&p->meta);
    free(p->answers);
    free(p->probabilities);
    if (p->owns_context)
        rncl_context_destroy(p->context);
    free(p);
}
