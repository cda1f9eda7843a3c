/* The one list of operations that a network's nodes are made of. Adding one is a line here,
 * host/ops/<stem>.c, kernels/<stem>.cl, host/reference/<stem>.c and its cases in host/check. */
#ifndef RNCL_OPS_OP_LIST_H
#define RNCL_OPS_OP_LIST_H

#define RNCL_OP_LIST(X)                                                                                      \
    X(conv)                                                                                                  \
    X(batchnorm)                                                                                             \
    X(maxpool)                                                                                               \
    X(avgpool)                                                                                               \
    X(linear)

/* What a training step consists of besides. These are no nodes, they have functions of their own (softmax.h,
 * sgd.h); but they are tuned like them. */
#define RNCL_STEP_LIST(X)                                                                                    \
    X(softmax)                                                                                               \
    X(sgd)

#endif
