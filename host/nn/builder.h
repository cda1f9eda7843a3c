/* How a graph is put together: tensors, parameters and nodes are appended under their torchvision names. The
 * first failure stays in `status` and what is added after it is ignored, so that a builder reads as its
 * network does. */
#ifndef RNCL_NN_BUILDER_H
#define RNCL_NN_BUILDER_H

#include "graph.h"

typedef struct rncl_builder {
    rncl_graph *graph;
    rncl_status status;
} rncl_builder;

/* A convolution and the batch normalisation behind it. Declaring them is apart from adding their nodes,
 * because torchvision's order of parameters is not the order of execution. */
typedef struct rncl_conv_norm {
    char conv[64], norm[64]; /* "layer1.0.conv1", "layer1.0.bn1" */
    int in, out;             /* channels */
    int window, stride, pad;
    int filter, weight, bias, running; /* parameters and running statistics, once declared */
} rncl_conv_norm;

/* Fills a name, printf style; names longer than the field are our own mistake. */
void rncl_builder_name(char name[64], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A tensor of one image; its index. */
int rncl_builder_tensor(rncl_builder *builder, rncl_shape shape);

/* Appends the filter, the batch-norm weight and bias, and the running statistics. */
void rncl_builder_declare(rncl_builder *builder, rncl_conv_norm *layer);

/* What follows the normalisation. */
typedef struct rncl_norm_tail {
    bool relu;
    int residual; /* tensor to be added, -1 if none; shortcut A where its shape differs from the output's */
    int residual_stride;
} rncl_norm_tail;

/* Each appends nodes that read tensor `input` and returns the tensor that the last of them writes. */
int rncl_builder_conv_norm(rncl_builder *builder, const rncl_conv_norm *layer, int input,
                           rncl_norm_tail tail);
/* A convolution with bias and no normalisation; strides by 1 and keeps the size. */
int rncl_builder_conv_bias(rncl_builder *builder, const char *name, int input, int outputs, int window);
int rncl_builder_maxpool(rncl_builder *builder, int input, int size, int stride, int pad);
int rncl_builder_avgpool(rncl_builder *builder, int input);
/* Of all that an image has in `input`. */
int rncl_builder_linear(rncl_builder *builder, const char *name, int input, int outputs);

#endif
