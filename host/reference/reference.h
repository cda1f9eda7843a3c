/* The specification of every operation: plain C in double precision, written to be read rather than to be
 * fast.
 *
 * Tensors are NHWC, filters [R][S][C][K], linear weights [c][k]. Nothing fails and nothing is allocated but
 * where said; sizes are the caller's word. Outputs are overwritten. */
#ifndef RNCL_REFERENCE_REFERENCE_H
#define RNCL_REFERENCE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "rncl/kernel_abi.h"

/* y[n][p][q][k] = sum over r, s, c of x[n][p stride + r - pad][q stride + s - pad][c] filter[r][s][c][k],
 * with zeros outside x: PyTorch's conv2d without bias. */
void rncl_reference_conv_forward(const rncl_conv_shape *shape, const double *x, const double *filter,
                                 double *y);

/* The gradient with respect to x. */
void rncl_reference_conv_backward_data(const rncl_conv_shape *shape, const double *filter, const double *dy,
                                       double *dx);

/* The gradient with respect to the filter. */
void rncl_reference_conv_backward_filter(const rncl_conv_shape *shape, const double *x, const double *dy,
                                         double *dfilter);

/* Buffers of batch normalisation: x, y, dy, dx [n][h][w][c]; residual and dresidual as in
 * rncl_batchnorm_shape (NULL without one; dresidual NULL: not wanted); the others [c]. Training with the
 * running statistics NULL leaves them alone. */
typedef struct rncl_reference_batchnorm {
    const double *x, *residual, *weight, *bias;
    double *running_mean, *running_variance;
    double *y;
    const double *dy;
    double *dx, *dresidual, *dweight, *dbias;
} rncl_reference_batchnorm;

/* y = act((x - mean) / sqrt(variance + epsilon) weight + bias + residual). Training takes mean and (biased)
 * variance from x, and moves the running statistics on by momentum 0.1 as PyTorch's BatchNorm2d does, with
 * the unbiased variance (the biased one where there is a single value). Inference takes the running
 * statistics. Ioffe and Szegedy 2015, algorithms 1 and 2. */
void rncl_reference_batchnorm_forward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t,
                                      int training);

/* Gradients of the training forward pass, through the batch's statistics. The ReLU's gradient at 0 is 0. */
void rncl_reference_batchnorm_backward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t);

/* PyTorch's MaxPool2d; the gradient goes to the first maximum of each window, row by row. */
void rncl_reference_maxpool_forward(const rncl_maxpool_shape *shape, const double *x, double *y);
void rncl_reference_maxpool_backward(const rncl_maxpool_shape *shape, const double *x, const double *dy,
                                     double *dx);

/* y[n][c] = mean of x[n][.][.][c]. */
void rncl_reference_avgpool_forward(const rncl_avgpool_shape *shape, const double *x, double *y);
void rncl_reference_avgpool_backward(const rncl_avgpool_shape *shape, const double *dy, double *dx);

/* y = x weight + bias. */
void rncl_reference_linear_forward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                   const double *bias, double *y);

/* Its gradients; each output may be NULL. */
void rncl_reference_linear_backward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                    const double *dy, double *dx, double *dweight, double *dbias);

typedef struct rncl_reference_loss {
    double loss; /* sum over rows that have a label */
    int top1, top5, counted;
} rncl_reference_loss;

/* Cross-entropy of softmax(logits) against (1 - smoothing) onehot(label) + smoothing / k, as PyTorch's
 * cross_entropy with label_smoothing and reduction="sum"; dlogits = scale (softmax - target), zero for rows
 * without a label. A label's rank counts the classes with a larger logit, and those before it with an equal
 * one. */
void rncl_reference_softmax(const rncl_softmax_shape *shape, const double *logits, const int32_t *labels,
                            double label_smoothing, double scale, rncl_reference_loss *loss, double *dlogits);

/* PyTorch's SGD: g = gradient + weight_decay weight; velocity = momentum velocity + g; weight -= lr velocity.
 */
void rncl_reference_sgd(size_t count, double lr, double momentum, double weight_decay, const double *gradient,
                        double *velocity, double *weight);

#endif
