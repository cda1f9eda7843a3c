/* VGG: stages of 3x3 convolutions with max pooling behind each, three fully connected layers. */
#include "vgg.h"

#include "util.h"

enum { WIDEST = 512 };

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

void rncl_vgg_build(rncl_builder *builder, const rncl_layout *layout)
{
    const rncl_network_options *options = &builder->graph->options;
    int x = rncl_builder_tensor(builder, (rncl_shape){1, options->image, options->image, options->channels});
    int number = 0;
    for (int stage = 0; stage < layout->stages; stage++)
        x = add_stage(builder, x, layout->blocks[stage], MIN(layout->width << stage, WIDEST), &number);
    x = rncl_builder_linear(builder, "classifier.0", x, layout->hidden);
    x = rncl_builder_linear(builder, "classifier.3", x, layout->hidden);
    rncl_builder_linear(builder, "classifier.6", x, options->classes);
}
