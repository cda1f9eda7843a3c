/* The architectures as tables: what each is built from, which depths it has, what it takes where nothing is
 * said. */
#ifndef RNCL_NN_ARCH_H
#define RNCL_NN_ARCH_H

#include "graph.h"

#define RNCL_MAX_STAGES 5
#define RNCL_MAX_CHANNELS 4 /* of an image */

/* The layers of one network, except what the options say about blocks and shortcuts. */
typedef struct rncl_layout {
    int stem_window, stem_stride; /* of the first convolution */
    bool stem_pool;               /* max pooling behind it */
    int width;                    /* channels of the first stage; each stage doubles them */
    int stages;
    int blocks[RNCL_MAX_STAGES]; /* residual blocks of each stage; VGG: convolutions */
    bool bottleneck;             /* blocks of three convolutions instead of two */
    bool shortcuts;
    int hidden; /* VGG: outputs of the two fully connected layers before the last; others: 0 */
} rncl_layout;

/* Fills in the defaults and describes the network. RNCL_ERR_USAGE, RNCL_ERR_SHAPE as rncl_graph_build. */
rncl_status rncl_arch_resolve(const rncl_network_options *options, rncl_network_options *complete,
                              rncl_layout *layout);

#endif
