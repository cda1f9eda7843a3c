/* Every operation in plain C and double precision: the specification that devices are checked against. It is
 * written to be read beside the papers, not to be fast, and training never calls it.
 *
 * Tensors are dense arrays in the order of their [dimensions], last one contiguous; shapes are those that the
 * kernels get (rncl/kernel_abi.h). Outputs are overwritten, never added to, and must not overlap anything
 * else. Nothing allocates or fails: that a shape's members fit together is the caller's promise. */
#ifndef RNCL_REFERENCE_REFERENCE_H
#define RNCL_REFERENCE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "rncl/kernel_abi.h"

/* Convolution: torch.nn.functional.conv2d without bias, dilation or groups.
 * x, dx [n][h][w][c]; filter, dfilter [r][s][c][k]; y, dy [n][p][q][k].
 *
 *   y[n][p][q][k] = sum over r, s, c of x[n][p stride - pad + r][q stride - pad + s][c] filter[r][s][c][k]
 *
 * where x is 0 outside of the image. backward_data gives dx, backward_filter dfilter, from dy = dL/dy. */
void rncl_reference_conv_forward(const rncl_conv_shape *shape, const double *x, const double *filter,
                                 double *y);
void rncl_reference_conv_backward_data(const rncl_conv_shape *shape, const double *filter, const double *dy,
                                       double *dx);
void rncl_reference_conv_backward_filter(const rncl_conv_shape *shape, const double *x, const double *dy,
                                         double *dfilter);

/* What batch normalisation reads and writes. */
typedef struct rncl_reference_batchnorm {
    const double *x;        /* [n][h][w][c] */
    const double *residual; /* the shape's; not read with RNCL_RESIDUAL_NONE */
    const double *weight;   /* gamma [c] */
    const double *bias;     /* beta [c] */
    double *running_mean;   /* [c]; this and the next may both be NULL in training */
    double *running_variance;
    double *y;         /* [n][h][w][c] */
    const double *dy;  /* [n][h][w][c] */
    double *dx;        /* [n][h][w][c] */
    double *dresidual; /* the shape's; NULL: not wanted. Not written with RNCL_RESIDUAL_NONE */
    double *dweight;   /* [c]; this and the next may both be NULL: not wanted */
    double *dbias;     /* [c] */
} rncl_reference_batchnorm;

/* Batch normalisation (Ioffe and Szegedy 2015), the addition of a shortcut (He et al. 2016, section 3.3; with
 * RNCL_RESIDUAL_PAD its option A) and ReLU:
 *
 *   z = weight (x - mean) / sqrt(variance + RNCL_BATCHNORM_EPSILON) + bias + residual,   y = max(z, 0) or z
 *
 * Training takes mean and biased variance of each channel over n h w (algorithm 1) and moves the running
 * statistics as torch.nn.BatchNorm2d does: running += RNCL_BATCHNORM_MOMENTUM (batch - running), with the
 * unbiased variance. Of a single value, where PyTorch raises an error, that variance is 0. Inference
 * (training == 0) takes the running statistics (algorithm 2) and leaves them as they are. */
void rncl_reference_batchnorm_forward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t,
                                      int training);

/* The gradient of the forward pass (section 3 of the paper for training), from dy = dL/dy. Reads x, residual,
 * weight, bias and dy, and without training the running statistics; not y. ReLU's derivative at 0 is 0, as
 * PyTorch has it. */
void rncl_reference_batchnorm_backward(const rncl_batchnorm_shape *shape, const rncl_reference_batchnorm *t,
                                       int training);

/* Max pooling: torch.nn.functional.max_pool2d. x, dx [n][h][w][c]; y, dy [n][p][q][c]; 2 pad <= size.
 * Padding never wins, NaN always does. All of a window's gradient goes to its maximum; of several equal ones,
 * to the first in row-major order. */
void rncl_reference_maxpool_forward(const rncl_maxpool_shape *shape, const double *x, double *y);
void rncl_reference_maxpool_backward(const rncl_maxpool_shape *shape, const double *x, const double *dy,
                                     double *dx);

/* Global average pooling (Lin et al. 2014, section 3.2): torch.nn.functional.adaptive_avg_pool2d(x, 1).
 * x, dx [n][h][w][c]; y, dy [n][c], the mean over h w. */
void rncl_reference_avgpool_forward(const rncl_avgpool_shape *shape, const double *x, double *y);
void rncl_reference_avgpool_backward(const rncl_avgpool_shape *shape, const double *dy, double *dx);

/* Fully connected: torch.nn.functional.linear with the weight transposed.
 * x, dx [n][c]; weight, dweight [c][k]; bias, dbias [k]; y, dy [n][k].
 *
 *   y = x weight + bias,   dx = dy weight^T,   dweight = x^T dy,   dbias = sum of dy over n
 *
 * Of backward's outputs, those that are NULL are left out. */
void rncl_reference_linear_forward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                   const double *bias, double *y);
void rncl_reference_linear_backward(const rncl_linear_shape *shape, const double *x, const double *weight,
                                    const double *dy, double *dx, double *dweight, double *dbias);

/* Sums over the rows that have a label. */
typedef struct rncl_reference_loss {
    double loss;    /* cross-entropy */
    int top1, top5; /* rows whose label is the first class, or among the first five */
    int counted;    /* rows */
} rncl_reference_loss;

/* What a batch of rows should be taken for. */
typedef struct rncl_reference_targets {
    const int32_t *labels;   /* [n] */
    const int32_t *partners; /* [n]: labels that are mixed in; NULL: none */
    double mix;              /* their share; 0 without */
    const double *weights;   /* [k] of the classes; NULL: 1 */
    double label_smoothing;
} rncl_reference_targets;

/* Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7), class weights and mixed labels
 * (Zhang et al. 2018): torch.nn.functional.cross_entropy with reduction="sum" and
 * ignore_index=RNCL_NO_LABEL, of labels times 1 - mix and of partners times mix. logits, dlogits [n][k].
 *
 *   target = (1 - label_smoothing) ((1 - mix) onehot(label) + mix onehot(partner)) + label_smoothing / k
 *   loss = - sum of target weight log(softmax(logits)),   dlogits = scale dloss / dlogits
 *
 * A row labelled RNCL_NO_LABEL has no loss and dlogits 0. A row with a logit that is not finite has the loss
 * NaN and dlogits NaN, and is counted as wrong. Of two mixed labels the one with the larger share is
 * ranked. */
void rncl_reference_softmax(const rncl_softmax_shape *shape, const double *logits,
                            const rncl_reference_targets *targets, double scale, rncl_reference_loss *loss,
                            double *dlogits);

/* A label's rank: the number of classes with a greater logit, or with an equal one and a smaller index;
 * RNCL_RANK_NOT_FINITE if any logit is not finite. */
int rncl_reference_rank(const double *logits, int classes, int label);

/* Mixup (Zhang et al. 2018) of pictures x [n][floats] in place, each with the one at the other end:
 * x[i] = (1 - mix) x[i] + mix x[n - 1 - i]. */
void rncl_reference_mixup(int n, size_t floats, double mix, double *x);

/* One step of torch.optim.SGD over `count` values (dampening 0, no Nesterov momentum):
 *
 *   g = gradient + weight_decay weight,   velocity = momentum velocity + g,   weight = weight - lr velocity
 *
 * A velocity of zeros before the first step gives PyTorch's first step. */
void rncl_reference_sgd(size_t count, double lr, double momentum, double weight_decay, const double *gradient,
                        double *velocity, double *weight);

/* What torch.amp.GradScaler.unscale_ does to `count` gradients: multiplies them by `factor` and looks for
 * those that are not finite, which become 0 here. overflows [parts]: their number among the values i, i +
 * parts, … */
void rncl_reference_unscale(size_t count, double factor, size_t parts, double *gradient, double *overflows);

/* One step of an exponential moving average over `count` values: average += share (value - average). */
void rncl_reference_ema(size_t count, double share, const double *value, double *average);

#endif
