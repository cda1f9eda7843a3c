/* A training from beginning to end, and the evaluation of a model file: what the command line and sessions
 * call. */
#ifndef RNCL_TRAIN_TRAINER_H
#define RNCL_TRAIN_TRAINER_H

#include "class_match.h"
#include "confusion.h"
#include "context.h"
#include "inference.h"
#include "options.h"
#include "ranks.h"
#include "rncl/rncl.h"

/* Trains as the options say, with `ranks` others, or alone (NULL); `options` comes back complete (image,
 * classes, mean, std, out filled in). On RNCL_ERR_INTERRUPTED, at the time limit (which is RNCL_OK) and on
 * RNCL_ERR_DIVERGED the run folder holds everything up to there. */
rncl_status rncl_train(rncl_context *context, rncl_options *options, const rncl_train_listener *listener,
                       rncl_ranks *ranks, rncl_train_result *result);

/* Evaluates options->model on the validation images. The network and normalisation come from
 * the model file's metadata unless the options give them. Where model and data have names for their classes,
 * these belong together by name: pictures of classes that the model does not have are left out. How they were
 * matched is handed out in `classes`, the caller's to fini after RNCL_OK, unless it is NULL. */
rncl_status rncl_evaluate(rncl_context *context, rncl_options *options, rncl_evaluation *result,
                          rncl_class_match *classes);

/* Hears of an evaluation. What fails ends it. */
typedef struct rncl_evaluation_listener {
    void (*begin)(void *user); /* once more when it begins again, with smaller micro-batches */
    rncl_batch_sink *batch;    /* with logits; the options are complete by then */
    /* All pictures have been counted. Not called for a model whose outputs are not finite. */
    rncl_status (*counted)(void *user, const rncl_confusion *confusion);
    void *user;
} rncl_evaluation_listener;

/* rncl_evaluate for who wants to see each picture. */
rncl_status rncl_evaluate_heard(rncl_context *context, rncl_options *options,
                                const rncl_evaluation_listener *listener, rncl_evaluation *result,
                                rncl_class_match *classes);

#endif
