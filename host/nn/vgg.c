/* VGG-19 (Simonyan and Zisserman 2015, table 1, configuration E), for comparing cost: the ResNet paper holds
 * its networks against it. Stages of 3x3 convolutions with max pooling behind each, three fully connected
 * layers. What costs no multiply-adds is left out: biases are parameters of the convolutions, ReLUs and
 * dropout do not appear. */
#include "arch.h"
#include "util.h"

enum { DEPTH = 19, STAGES = 5, NARROWEST = 64, WIDEST = 512, HIDDEN = 4096 };

static const int convolutions[STAGES] = {2, 2, 4, 4, 4};

/* torchvision numbers what it puts one after the other: convolution, ReLU, convolution, ReLU, pooling … */
static int add_stage(rncl_builder *builder, int x, int convs, int width, int *number)
{
    for (int i = 0; i < convs; i++, *number += 2) {
        char name[64];
        rncl_builder_name(name, "features.%d", *number);
        x = rncl_builder_conv_bias(builder, name, x, width, 3);
    }
    ++*number;
    return rncl_builder_maxpool(builder, x, 2, 2, 0);
}

static void build(rncl_builder *builder)
{
    const rncl_network_options *options = &builder->graph->options;
    int x = rncl_builder_tensor(builder, (rncl_shape){1, options->image, options->image, options->channels});
    int number = 0;
    for (int stage = 0; stage < STAGES; stage++)
        x = add_stage(builder, x, convolutions[stage], MIN(NARROWEST << stage, WIDEST), &number);
    x = rncl_builder_linear(builder, "classifier.0", x, HIDDEN);
    x = rncl_builder_linear(builder, "classifier.3", x, HIDDEN);
    rncl_builder_linear(builder, "classifier.6", x, options->classes);
}

static int nearest_depth(int depth)
{
    (void)depth;
    return DEPTH;
}

const rncl_family rncl_family_vgg = {
    .image = 224,
    .drawn_image = 64,
    .classes = 1000,
    .counted_only = true,
    .nearest_depth = nearest_depth,
    .build = build,
};
