/* The residual networks of He et al. 2015, and the same without shortcuts: stem, stages of blocks, pooling,
 * one linear layer. */
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "util.h"

enum { MAX_CONVS = 3 };

/* The main path of a block (He et al. 2015, figure 5). */
typedef struct block_kind {
    int convs;
    int windows[MAX_CONVS];
    int expansions[MAX_CONVS]; /* output channels, in widths of the stage */
    int strided;               /* which convolution takes the block's stride */
} block_kind;

static const block_kind basic = {2, {3, 3}, {1, 1}, 0};
static const block_kind bottleneck_v1 = {3, {1, 3, 1}, {1, 1, 4}, 0};
static const block_kind bottleneck_v15 = {3, {1, 3, 1}, {1, 1, 4}, 1};

enum { MAX_STAGES = 4 };

/* The layers of one network, except what the options say about blocks and shortcuts. */
typedef struct layout {
    int stem_window, stem_stride; /* of the first convolution */
    bool stem_pool;               /* max pooling behind it */
    int width;                    /* channels of the first stage; each stage doubles them */
    int stages;
    int blocks[MAX_STAGES]; /* of each stage */
    bool bottleneck;        /* blocks of three convolutions instead of two */
    bool shortcuts;
} layout;

static const block_kind *kind_of(const rncl_network_options *options, const layout *l)
{
    if (!l->bottleneck)
        return &basic;
    return options->bottleneck_v1 ? &bottleneck_v1 : &bottleneck_v15;
}

/* Every convolution keeps the size that its stride leaves: padding of half a window. */
static rncl_conv_norm layer_of(int in, int out, int window, int stride)
{
    return (rncl_conv_norm){.in = in, .out = out, .window = window, .stride = stride, .pad = window / 2};
}

static int add_stem(rncl_builder *builder, const layout *l, int image)
{
    const rncl_network_options *options = &builder->graph->options;
    rncl_conv_norm layer = layer_of(options->channels, l->width, l->stem_window, l->stem_stride);
    rncl_builder_name(layer.conv, "conv1");
    rncl_builder_name(layer.norm, "bn1");
    rncl_builder_declare(builder, &layer);
    int x = rncl_builder_conv_norm(builder, &layer, image, (rncl_norm_tail){.relu = true, .residual = -1});
    if (!l->stem_pool)
        return x;
    int size = options->stem_pool;
    return rncl_builder_maxpool(builder, x, size, 2, (size - 1) / 2);
}

static bool has_projection(rncl_shortcut shortcut, const rncl_conv_norm *projection)
{
    bool changes = projection->stride != 1 || projection->in != projection->out;
    return shortcut == RNCL_SHORTCUT_C || (shortcut == RNCL_SHORTCUT_B && changes);
}

/* A block on tensor x; `in` channels there. All is declared first, in torchvision's order. */
static int add_block(rncl_builder *builder, const layout *l, const char *name, int x, int in, int width,
                     int stride)
{
    const rncl_network_options *options = &builder->graph->options;
    const block_kind *kind = kind_of(options, l);
    rncl_conv_norm layers[MAX_CONVS];
    int channels = in;
    for (int i = 0; i < kind->convs; i++) {
        int out = kind->expansions[i] * width;
        layers[i] = layer_of(channels, out, kind->windows[i], i == kind->strided ? stride : 1);
        rncl_builder_name(layers[i].conv, "%s.conv%d", name, i + 1);
        rncl_builder_name(layers[i].norm, "%s.bn%d", name, i + 1);
        rncl_builder_declare(builder, &layers[i]);
        channels = out;
    }

    int residual = l->shortcuts ? x : -1;
    rncl_conv_norm projection = layer_of(in, channels, 1, stride);
    if (has_projection(options->shortcut, &projection)) {
        rncl_builder_name(projection.conv, "%s.downsample.0", name);
        rncl_builder_name(projection.norm, "%s.downsample.1", name);
        rncl_builder_declare(builder, &projection);
        residual = rncl_builder_conv_norm(builder, &projection, x, (rncl_norm_tail){.residual = -1});
    }
    for (int i = 0; i < kind->convs - 1; i++)
        x = rncl_builder_conv_norm(builder, &layers[i], x, (rncl_norm_tail){.relu = true, .residual = -1});
    return rncl_builder_conv_norm(
        builder, &layers[kind->convs - 1], x,
        (rncl_norm_tail){.relu = true, .residual = residual, .residual_stride = stride});
}

static void build(rncl_builder *builder, const layout *l)
{
    const rncl_network_options *options = &builder->graph->options;
    int image =
        rncl_builder_tensor(builder, (rncl_shape){1, options->image, options->image, options->channels});
    int x = add_stem(builder, l, image);
    int channels = l->width;
    for (int stage = 0; stage < l->stages; stage++) {
        int width = l->width << stage;
        for (int block = 0; block < l->blocks[stage]; block++) {
            char name[64];
            rncl_builder_name(name, "layer%d.%d", stage + 1, block);
            x = add_block(builder, l, name, x, channels, width, stage > 0 && block == 0 ? 2 : 1);
            channels = width * (l->bottleneck ? 4 : 1);
        }
    }
    x = rncl_builder_avgpool(builder, x);
    rncl_builder_linear(builder, "fc", x, options->classes);
}

/* ---- for pictures of ImageNet's size: section 3.3 and table 1 ---- */

static const struct depth {
    int depth;
    bool bottleneck;
    int blocks[MAX_STAGES];
} depths[] = {
    {18, false, {2, 2, 2, 2}},  {34, false, {3, 4, 6, 3}},  {50, true, {3, 4, 6, 3}},
    {101, true, {3, 4, 23, 3}}, {152, true, {3, 8, 36, 3}},
};

enum { PLAIN_DEPTHS = 2 }; /* the first so many */

static const struct depth *nearest_row(int depth, size_t count)
{
    const struct depth *nearest = &depths[0];
    for (size_t i = 1; i < count; i++)
        if (llabs((long long)depths[i].depth - depth) < llabs((long long)nearest->depth - depth))
            nearest = &depths[i];
    return nearest;
}

static void build_large(rncl_builder *builder, bool shortcuts)
{
    const struct depth *row = nearest_row(builder->graph->options.depth, COUNT(depths));
    layout l = {.stem_window = 7,
                .stem_stride = 2,
                .stem_pool = true,
                .width = 64,
                .stages = 4,
                .bottleneck = row->bottleneck,
                .shortcuts = shortcuts};
    memcpy(l.blocks, row->blocks, sizeof l.blocks);
    build(builder, &l);
}

static int nearest_resnet(int depth)
{
    return nearest_row(depth, COUNT(depths))->depth;
}

static void build_resnet(rncl_builder *builder)
{
    build_large(builder, true);
}

const rncl_family rncl_family_resnet = {
    .has_shortcuts = true,
    .shortcut = RNCL_SHORTCUT_B,
    .image = 224,
    .drawn_image = 64,
    .classes = 1000,
    .nearest_depth = nearest_resnet,
    .build = build_resnet,
};

static int nearest_plain(int depth)
{
    return nearest_row(depth, PLAIN_DEPTHS)->depth;
}

static void build_plain(rncl_builder *builder)
{
    build_large(builder, false);
}

const rncl_family rncl_family_plain = {
    .image = 224,
    .drawn_image = 64,
    .classes = 1000,
    .nearest_depth = nearest_plain,
    .build = build_plain,
};

/* ---- for pictures of CIFAR's size: section 4.2, 6n+2 layers ---- */

/* The limit only keeps mistakes from filling the memory. */
enum { FEWEST_BLOCKS = 1, MOST_BLOCKS = 1000 };

static int blocks_of(int depth)
{
    return MAX(FEWEST_BLOCKS, MIN(depth / 6, MOST_BLOCKS));
}

static int nearest_cifar(int depth)
{
    return 6 * blocks_of(depth) + 2;
}

static void build_small(rncl_builder *builder, bool shortcuts)
{
    layout l = {.stem_window = 3, .stem_stride = 1, .width = 16, .stages = 3, .shortcuts = shortcuts};
    for (int i = 0; i < l.stages; i++)
        l.blocks[i] = blocks_of(builder->graph->options.depth);
    build(builder, &l);
}

static void build_cifar_resnet(rncl_builder *builder)
{
    build_small(builder, true);
}

const rncl_family rncl_family_cifar_resnet = {
    .has_shortcuts = true,
    .shortcut = RNCL_SHORTCUT_A,
    .image = 32,
    .drawn_image = 32,
    .classes = 10,
    .nearest_depth = nearest_cifar,
    .build = build_cifar_resnet,
};

static void build_cifar_plain(rncl_builder *builder)
{
    build_small(builder, false);
}

const rncl_family rncl_family_cifar_plain = {
    .image = 32,
    .drawn_image = 32,
    .classes = 10,
    .nearest_depth = nearest_cifar,
    .build = build_cifar_plain,
};
