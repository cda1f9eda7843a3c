/* A network as plain data: nodes in execution order, the tensors between them, the parameters they own.
 * It knows shapes for one image and no device; `rncl info` is this and nothing more. */
#ifndef RNCL_NN_GRAPH_H
#define RNCL_NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "families.h"
#include "op.h"
#include "shape.h"
#include "status.h"

/* RNCL_ARCH_RESNET and so on: a constant for each family. */
typedef enum rncl_arch {
#define ROW(constant, ...) RNCL_ARCH_##constant,
    RNCL_FAMILIES(ROW)
#undef ROW
} rncl_arch;

typedef enum rncl_shortcut {
    RNCL_SHORTCUT_DEFAULT, /* B for resnet, A for cifar-resnet; all that the plain ones take */
    RNCL_SHORTCUT_A,       /* zero padding, no parameters */
    RNCL_SHORTCUT_B,       /* projection where sizes change */
    RNCL_SHORTCUT_C,       /* projection everywhere */
} rncl_shortcut;

/* A field that is 0 takes its default, except arch and depth. */
typedef struct rncl_network_options {
    rncl_arch arch;
    int depth;
    rncl_shortcut shortcut;
    bool bottleneck_v1;  /* stride on the 1x1 (the paper) instead of on the 3x3 (torchvision) */
    int stem_pool;       /* 3 (default) or 2: window of the max pooling behind the first convolution */
    int image, channels; /* input: image x image x channels; 224 x 224 x 3, for cifar-* 32 x 32 x 3 */
    int classes;         /* 1000, for cifar-* 10 */
} rncl_network_options;

typedef enum rncl_param_kind {
    RNCL_PARAM_CONV,   /* dims: O, I, H, W in files; [H][W][I][O] on the device */
    RNCL_PARAM_LINEAR, /* dims: out, in in files; [in][out] on the device */
    RNCL_PARAM_VECTOR, /* batch-norm weight or bias, linear bias */
} rncl_param_kind;

/* A trainable tensor: a contiguous part of the parameter vector. */
typedef struct rncl_param {
    char name[64]; /* torchvision's: "layer1.0.conv1.weight" */
    rncl_param_kind kind;
    int rank;
    int dims[4];   /* as in model files */
    size_t count;  /* floats */
    size_t offset; /* first float in the parameter vector; a multiple of RNCL_PARAM_ALIGNMENT */
} rncl_param;

/* The running mean and variance of one batch normalisation, channels floats each, in the state vector. */
typedef struct rncl_running {
    char name[64]; /* "layer1.0.bn1" */
    int channels;
    size_t mean_offset, variance_offset; /* floats, multiples of RNCL_PARAM_ALIGNMENT */
} rncl_running;

/* Offsets are multiples of this many floats, so that each tensor can be a sub-buffer on all devices but those
 * that rncl_graph_align is for. */
#define RNCL_PARAM_ALIGNMENT 128

typedef struct rncl_node {
    char name[64];               /* "layer1.0.conv1" */
    rncl_op_desc op;             /* n = 1 */
    int input, residual, output; /* tensors; residual -1 if none */
    int weight, bias;            /* params; -1 if none */
    int running;                 /* running statistics; -1 if none */
    bool frozen;                 /* its parameters and running statistics are not to be trained */
} rncl_node;

typedef struct rncl_graph {
    rncl_network_options options; /* complete: defaults filled in */
    rncl_node *nodes;
    rncl_shape *tensors; /* n = 1; tensor 0 is the image, the last node's output the logits */
    rncl_param *params;
    rncl_running *running;
    size_t node_count, tensor_count, param_count, running_count;
    size_t param_floats; /* length of the parameter vector, padding included */
    size_t state_floats; /* length of the state vector */
} rncl_graph;

/* Builds the network. RNCL_ERR_USAGE for a depth or shortcut that the architecture does not have (naming
 * those that it has), RNCL_ERR_SHAPE for an image too small for it. */
rncl_status rncl_graph_build(const rncl_network_options *options, rncl_graph **out);
void rncl_graph_destroy(rncl_graph *graph);

/* How many times nodes read a tensor, as input or residual. */
int rncl_graph_readers(const rncl_graph *graph, int tensor);

/* Moves parameters and running statistics apart where sub-buffers of the device begin at multiples of more
 * bytes than usual (FPGA boards: of pages). To be called before anything else looks at offsets. */
void rncl_graph_align(rncl_graph *graph, size_t alignment_bytes);

/* Freezes the layers that `names` lists, separated by commas: "conv1,bn1,layer1,layer2.0" are those two
 * layers and all that are part of the other two. "" freezes nothing. RNCL_ERR_USAGE for a name that no layer
 * has, or if nothing is left to train. */
rncl_status rncl_graph_freeze(rncl_graph *graph, const char *names);

/* RNCL_ERR_USAGE for an architecture whose graph can be counted but not run. */
rncl_status rncl_arch_check_runs(rncl_arch arch);

/* Side of the pictures where nobody says one: of photographs; of pictures that can be drawn at any size. */
int rncl_arch_image(rncl_arch arch);
int rncl_arch_drawn_image(rncl_arch arch);

/* Cost per image. Multiply-adds of convolutions and linear layers, as the paper counts them. */
typedef struct rncl_graph_cost {
    size_t parameters; /* learnt numbers, without padding and running statistics */
    uint64_t macs;
    size_t activations; /* numbers that the nodes write in one forward pass */
} rncl_graph_cost;

rncl_graph_cost rncl_graph_total(const rncl_graph *graph);
rncl_graph_cost rncl_graph_node_cost(const rncl_graph *graph, size_t node);

/* NULL behind the last one, so that names can be listed. */
const char *rncl_arch_name(rncl_arch arch);             /* "cifar-resnet" */
const char *rncl_shortcut_name(rncl_shortcut shortcut); /* "default", "A" */

/* Fills the parameter vector as He et al. 2015b (section 2.2) and torchvision do: convolutions normal with
 * variance 2 / (K R S) (fan out), batch-norm weights 1 and biases 0, linear uniform in +-1/sqrt(in), as
 * PyTorch's Linear; a function of the seed and the parameter's index alone. `state` gets mean 0 and
 * variance 1. */
void rncl_graph_initialise(const rncl_graph *graph, uint64_t seed, float *params, float *state);

/* Sets the batch-norm weight to 0 behind which a shortcut is added, so that each block begins as its shortcut
 * (Goyal et al. 2017, section 5.1; torchvision's zero_init_residual). Leaves plain networks as they are. */
void rncl_graph_zero_residuals(const rncl_graph *graph, float *params);

#endif
