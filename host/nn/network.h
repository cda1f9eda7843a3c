/* A graph on a device: planned, compiled, with its memory, ready to step. */
#ifndef RNCL_NN_NETWORK_H
#define RNCL_NN_NETWORK_H

#include "context.h"
#include "graph.h"
#include "loss_scale.h"
#include "pass_observer.h"
#include "status.h"

typedef struct rncl_network rncl_network;

/* What was decided in planning. */
typedef struct rncl_network_facts {
    int batch_size, micro_batch;
    size_t device_bytes;  /* device memory that the network takes */
    size_t largest_bytes; /* its largest single allocation */
    int problems, tuned;  /* passes that can be tuned, and those of them that are */
} rncl_network_facts;

/* Sums over the labelled pictures of one batch. */
typedef struct rncl_batch_result {
    double loss;   /* sum of the losses; NaN or infinite if training diverged */
    double weight; /* sum of the labels' class weights in training, those of others included, else the number
                      of pictures: the sum of everybody's loss / weight is the mean loss */
    int count, top1, top5;
    bool skipped;      /* a training step that was not taken, since gradients were not finite */
    double loss_scale; /* of a training step; 1: none */
    bool too_large;    /* a step that was not taken at a scale of 1, whose gradients no scale makes finite */
    int not_finite;    /* of `count`, those with an output that is not finite; they count as wrong */
    const float *logits; /* [batch_size][classes], also of unlabelled pictures; the network's, until the
                            second batch behind this one is submitted. NULL unless the setup asks for them */
} rncl_batch_result;

/* Other networks of the same graph that take the same steps on other pictures of the same batches. The
 * functions wait for all of them. sum NULL: there are none. */
typedef struct rncl_network_others {
    /* *weight is the sum of the class weights of this network's labels; becomes that of all labels. */
    rncl_status (*weigh)(void *user, double *weight);
    /* Adds up the gradients of the parameters from number `first` on over all networks, to the same bits on
     * each. Called for one bucket after the other, in the same order on all, while backward goes on. */
    rncl_status (*sum)(void *user, size_t first, size_t count, float *gradients);
    /* The sums over this network's part of a batch become those over all parts. Called once a step, when all
     * gradients have been added up and before the update. */
    rncl_status (*join)(void *user, rncl_batch_result *sums);
    size_t bucket_floats;      /* the most that one call adds up, unless one parameter has more */
    rncl_moments_join moments; /* for batch statistics of everybody's pictures; zero: each has its own */
    void *user;
} rncl_network_others;

typedef struct rncl_network_setup {
    const rncl_graph *graph; /* must outlive the network */
    int batch_size;          /* pictures a step */
    int micro_batch; /* pictures that go through at once; divides batch_size; 0: the largest that fits in
                        memory. Gradients of the micro-batches are added up, so that it changes nothing but
                        the batch-norm statistics, which are those of each micro-batch */
    bool training;   /* false: forward only, with running statistics; takes far less memory */
    bool logits;     /* hand out each batch's logits with its result */
    bool averaged;   /* keeps averages of parameters and running statistics beside them */
    bool mixup;      /* rules may ask for it */
    float label_smoothing;      /* of training; evaluation has none */
    const float *class_weights; /* [classes], above 0; of training; NULL: 1 for all. Copied */
    const char *algorithm;      /* of operations that have it; NULL: the tuned one, or the device's default */
    rncl_tuned tuned; /* what it refers to must outlive the network's planning, which is in create */
    bool exact_only;  /* no algorithm whose rounding is not that of sums of products */
    rncl_network_others others;
    void (*planned)(void *user, const rncl_network_facts *facts); /* NULL, or called before anything is
                         allocated or compiled, when problems are not counted yet */
    void *user;
} rncl_network_setup;

/* Plans memory before it takes any: RNCL_ERR_DEVICE_MEMORY says in the message what one picture would need
 * and what the device has. Then allocates and compiles. Where the device turns out to have less, it warns and
 * tries smaller micro-batches, down to single pictures. Parameters are undefined until rncl_network_write. */
rncl_status rncl_network_create(rncl_context *context, const rncl_network_setup *setup, rncl_network **out);
void rncl_network_destroy(rncl_network *network);

rncl_context *rncl_network_context(const rncl_network *network);
const rncl_network_facts *rncl_network_facts_of(const rncl_network *network);

/* From now on `observer` looks at the passes of every batch. */
void rncl_network_observe(rncl_network *network, rncl_pass_observer observer);

/* After a failure with RNCL_ERR_DEVICE_MEMORY: the largest divisor of the batch that is at most half of
 * `micro_batch`, with a warning that repeats the failure. 0, without one, if there is none. */
int rncl_network_smaller(const rncl_context *context, int batch_size, int micro_batch);

/* Its planned operations, those of the nodes first and then those around them; NULL behind the last one. */
const rncl_op *rncl_network_op(const rncl_network *network, size_t index);

/* Host copies of what a model or checkpoint file keeps: vectors of graph->param_floats floats, and for
 * `state` and `average_state` graph->state_floats. Any may be NULL. Blocking; outstanding steps are finished
 * first. */
typedef struct rncl_network_vectors {
    float *params, *state, *velocity;
    float *average, *average_state; /* only where the network keeps averages */
    rncl_loss_scale *loss_scale;    /* only where the network scales the loss */
} rncl_network_vectors;

rncl_status rncl_network_write(rncl_network *network, const rncl_network_vectors *from);
rncl_status rncl_network_read(rncl_network *network, const rncl_network_vectors *to);

/* Parameters and running statistics change places with their averages: before an evaluation of these, and
 * again behind it. Enqueues. The network must keep averages. */
rncl_status rncl_network_exchange_averages(rncl_network *network);

typedef struct rncl_update_rule {
    float lr, momentum, weight_decay;
    float mixup; /* share that the picture at the other end of its micro-batch has in each, and its label in
                    the loss; 0: none */
    float average_share; /* average += share (new value - average); where the network keeps averages */
} rncl_update_rule;

/* Enqueues one training step on a batch: images [batch_size][image][image][channels], labels [batch_size];
 * they must stay in place until the step has been collected. At most two steps may be outstanding. Forward,
 * mean loss of the whole batch (its sum over the sum of its labels' class weights), backward, one update.
 * Allocates nothing, waits for nothing but the others, and, where the loss is scaled, for its gradients:
 * where these are not finite there is no update, of averages neither. Mean loss and update are those of
 * everybody's batch. */
rncl_status rncl_network_train(rncl_network *network, const float *images, const int32_t *labels,
                               const rncl_update_rule *rule);

/* After a failure: the vectors as they were before the step that failed, or as they are between steps, and
 * averages in their own place. RNCL_ERR_FAILURE if the update had begun, or the step had and there are no
 * others. */
rncl_status rncl_network_read_before(rncl_network *network, const rncl_network_vectors *to);

/* Enqueues a forward pass in inference mode; otherwise as rncl_network_train. */
rncl_status rncl_network_evaluate(rncl_network *network, const float *images, const int32_t *labels);

/* Waits for the oldest outstanding batch. */
rncl_status rncl_network_collect(rncl_network *network, rncl_batch_result *result);

#endif
