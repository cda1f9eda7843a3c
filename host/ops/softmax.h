/* Softmax cross-entropy: the end of every forward pass and the start of every backward one. */
#ifndef RNCL_OPS_SOFTMAX_H
#define RNCL_OPS_SOFTMAX_H

#include "op.h"

typedef struct rncl_softmax rncl_softmax;

rncl_status rncl_softmax_create(rncl_context *context, const rncl_softmax_shape *shape,
                                const rncl_tuned *tuned, rncl_softmax **out);
void rncl_softmax_destroy(rncl_softmax *softmax);
bool rncl_softmax_tuned(const rncl_softmax *softmax);

/* logits, dlogits [n][k]; labels (int), losses (float) and ranks (int) hold a whole batch, of which this
 * call's rows start at `first`; weights [k] are those of the classes. The loss is that of each row's label
 * times 1 - mix and that of the label at the other end of the call's rows times mix. dlogits = scale dloss /
 * dlogits, unless it is NULL. A label of RNCL_NO_LABEL leaves its row out: loss 0, rank -1; not where labels
 * are mixed. */
typedef struct rncl_softmax_buffers {
    cl_mem logits, labels, losses, ranks, dlogits;
    cl_mem weights; /* NULL: 1 for all classes */
    int first;
    float smoothing; /* of the labels; 0: none */
    float mix;       /* 0: none */
    float scale;
} rncl_softmax_buffers;

rncl_status rncl_softmax_enqueue(rncl_softmax *softmax, const rncl_softmax_buffers *buffers);

#endif
