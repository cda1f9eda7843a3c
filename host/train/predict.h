/* A trained network's answers for single pictures. */
#ifndef RNCL_TRAIN_PREDICT_H
#define RNCL_TRAIN_PREDICT_H

#include <stdint.h>

#include "context.h"
#include "options.h"

typedef struct rncl_answer {
    int class_index;
    const char *label; /* NULL: neither the model file nor options->labels has one */
    double probability;
    float logit;
} rncl_answer;

/* What is known of one picture; valid in the call. */
typedef struct rncl_prediction {
    const char *path;
    const rncl_answer *top; /* the most probable classes, in order */
    int top_count;          /* options->top, or fewer if there are not so many classes */
    const float *logits;    /* [classes] */
    int classes;
} rncl_prediction;

typedef struct rncl_prediction_sink {
    rncl_status (*take)(void *user, const rncl_prediction *prediction);
    void *user;
} rncl_prediction_sink;

/* Hands out the answers of options->model for each picture that can be read, in order; warns on the context's
 * log of each that cannot, and returns RNCL_ERR_DATA at the end if there were any. The network and its
 * normalisation come from the model file unless the options give them; files that say nothing get ImageNet's
 * normalisation. `options` come back complete. */
rncl_status rncl_predict(rncl_context *context, rncl_options *options, const char *const *paths,
                         uint32_t count, const rncl_prediction_sink *sink);

#endif
