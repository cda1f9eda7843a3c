/* What a family of networks is: defaults, depths, a builder. */
#ifndef RNCL_NN_ARCH_H
#define RNCL_NN_ARCH_H

#include "builder.h"
#include "families.h"
#include "graph.h"

#define RNCL_MAX_CHANNELS 4 /* of an image */

typedef struct rncl_family {
    bool has_shortcuts;
    rncl_shortcut shortcut; /* its default, where it has shortcuts */
    int image, classes;     /* defaults */
    int drawn_image;        /* the side of pictures that are drawn at any size: less, and so faster */
    bool counted_only;      /* its graph lacks nodes that cost no multiply-adds, and cannot run */
    /* The depth that the family has and that is nearest to `depth`: `depth` itself if it has that. */
    int (*nearest_depth)(int depth);
    /* Appends the whole network; options of the builder's graph are complete, with a depth that it has. */
    void (*build)(rncl_builder *builder);
} rncl_family;

/* Each at the end of the file with its builder. */
#define DECLARE(constant, table, ...) extern const rncl_family rncl_family_##table;
RNCL_FAMILIES(DECLARE)
#undef DECLARE

/* Fills in the defaults. RNCL_ERR_USAGE, RNCL_ERR_SHAPE as rncl_graph_build. */
rncl_status rncl_arch_complete(const rncl_network_options *options, rncl_network_options *complete);

/* Of complete options. */
const rncl_family *rncl_arch_family(rncl_arch arch);

#endif
