/* Residual networks: stem, stages of blocks, pooling, one linear layer. */
#include "resnet.h"

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

static const block_kind *kind_of(const rncl_network_options *options, const rncl_layout *layout)
{
    if (!layout->bottleneck)
        return &basic;
    return options->bottleneck_v1 ? &bottleneck_v1 : &bottleneck_v15;
}

/* Every convolution keeps the size that its stride leaves: padding of half a window. */
static rncl_conv_norm layer_of(int in, int out, int window, int stride)
{
    return (rncl_conv_norm){.in = in, .out = out, .window = window, .stride = stride, .pad = window / 2};
}

static int add_stem(rncl_builder *builder, const rncl_layout *layout, int image)
{
    const rncl_network_options *options = &builder->graph->options;
    rncl_conv_norm layer =
        layer_of(options->channels, layout->width, layout->stem_window, layout->stem_stride);
    rncl_builder_name(layer.conv, "conv1");
    rncl_builder_name(layer.norm, "bn1");
    rncl_builder_declare(builder, &layer);
    int x = rncl_builder_conv_norm(builder, &layer, image, (rncl_norm_tail){.relu = true, .residual = -1});
    if (!layout->stem_pool)
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
static int add_block(rncl_builder *builder, const rncl_layout *layout, const char *name, int x, int in,
                     int width, int stride)
{
    const rncl_network_options *options = &builder->graph->options;
    const block_kind *kind = kind_of(options, layout);
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

    int residual = layout->shortcuts ? x : -1;
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

void rncl_resnet_build(rncl_builder *builder, const rncl_layout *layout)
{
    const rncl_network_options *options = &builder->graph->options;
    int image =
        rncl_builder_tensor(builder, (rncl_shape){1, options->image, options->image, options->channels});
    int x = add_stem(builder, layout, image);
    int channels = layout->width;
    for (int stage = 0; stage < layout->stages; stage++) {
        int width = layout->width << stage;
        for (int block = 0; block < layout->blocks[stage]; block++) {
            char name[64];
            rncl_builder_name(name, "layer%d.%d", stage + 1, block);
            x = add_block(builder, layout, name, x, channels, width, stage > 0 && block == 0 ? 2 : 1);
            channels = width * (layout->bottleneck ? 4 : 1);
        }
    }
    x = rncl_builder_avgpool(builder, x);
    rncl_builder_linear(builder, "fc", x, options->classes);
}
