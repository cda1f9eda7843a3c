/* The one list of operations. docs/adding-an-operation.md says what a new line needs. */
#ifndef RNCL_OPS_OP_LIST_H
#define RNCL_OPS_OP_LIST_H

#define RNCL_OP_LIST(X)                                                                                      \
    X(conv)                                                                                                  \
    X(batchnorm)                                                                                             \
    X(maxpool)                                                                                               \
    X(avgpool)                                                                                               \
    X(linear)                                                                                                \
    X(softmax)                                                                                               \
    X(sgd)                                                                                                   \
    X(ema)                                                                                                   \
    X(mixup)                                                                                                 \
    X(unscale)

/* Every tensor that an operation may read or write, by the names that all rooms use. Each operation's file
 * says which it uses. */
#define RNCL_OP_BUFFERS(X)                                                                                   \
    X(x)                                                                                                     \
    X(residual)                                                                                              \
    X(y)                                                                                                     \
    X(dy)                                                                                                    \
    X(dx)                                                                                                    \
    X(dresidual)                                                                                             \
    X(weight)                                                                                                \
    X(bias)                                                                                                  \
    X(dweight)                                                                                               \
    X(dbias)                                                                                                 \
    X(running_mean)                                                                                          \
    X(running_variance)                                                                                      \
    X(saved)         /* written by forward, read by backward */                                              \
    X(packed)        /* weights in the layout that kernels want; written by prepare */                       \
    X(statistics)    /* of the channels of one tensor, as in kernels/statistics.clh */                       \
    X(gradient_sums) /* [parts][2][c]: of a batch normalisation's gradient, as in kernels/batchnorm.clh */   \
    X(before_x)      /* x, saved, weight and bias of the batch normalisation before a convolution */         \
    X(before_saved)                                                                                          \
    X(before_weight)                                                                                         \
    X(before_bias)                                                                                           \
    X(coefficients)  /* [3][k]: of the batch normalisation that a convolution does itself */                 \
    X(workspace)     /* scratch of one call; a buffer of its own, not a sub-buffer */                        \
    X(labels)        /* int [n], or RNCL_NO_LABEL */                                                         \
    X(losses)        /* [n] */                                                                               \
    X(ranks)         /* int [n]: how many classes come before the label's; -1: no label */                   \
    X(class_weights) /* [k] */                                                                               \
    X(velocity)                                                                                              \
    X(average)                                                                                               \
    X(overflows) /* int [RNCL_UNSCALE_PARTS]: how many gradients of each part are not finite */

#endif
