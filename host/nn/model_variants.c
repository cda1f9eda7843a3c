/* Signs of the variants that timm and torchvision have. */
#include "model_variants.h"

#include <string.h>

#include "util.h"

static bool has(const rncl_tensor_file *file, const char *name)
{
    return rncl_tensor_file_find(file, name) != NULL;
}

static bool has_part(const rncl_tensor_file *file, const char *part)
{
    for (size_t i = 0; i < file->count; i++)
        if (strstr(file->tensors[i].name, part))
            return true;
    return false;
}

static bool has_deep_stem(const rncl_tensor_file *file)
{
    return has(file, "conv1.0.weight");
}

static bool has_attention(const rncl_tensor_file *file)
{
    return has_part(file, ".se.") || has_part(file, ".se_module.") || has_part(file, ".attn.");
}

static bool has_blur_pooling(const rncl_tensor_file *file)
{
    return has_part(file, ".aa.") || has_part(file, ".filt");
}

static bool has_group_norm(const rncl_tensor_file *file)
{
    return has(file, "conv1.weight") && has(file, "bn1.weight") && !has(file, "bn1.running_mean");
}

/* The channels of the first 3x3 convolution in a bottleneck: out, in. */
static const size_t *middle_of_bottleneck(const rncl_tensor_file *file)
{
    const rncl_file_tensor *filter = rncl_tensor_file_find(file, "layer1.0.conv2.weight");
    return filter && filter->rank == 4 && has(file, "layer1.0.conv3.weight") ? filter->dims : NULL;
}

static bool has_groups(const rncl_tensor_file *file)
{
    const size_t *channels = middle_of_bottleneck(file);
    return channels && channels[0] != channels[1];
}

static bool is_wide(const rncl_tensor_file *file)
{
    const size_t *channels = middle_of_bottleneck(file);
    return channels && channels[0] == channels[1] && channels[0] > 64;
}

static bool has_stages(const rncl_tensor_file *file)
{
    return has_part(file, "stages.");
}

static bool is_transformer(const rncl_tensor_file *file)
{
    return has(file, "cls_token") || has(file, "pos_embed") || has(file, "class_token");
}

static bool has_features(const rncl_tensor_file *file)
{
    return has_part(file, "features.0.");
}

/* The first that fits is told. */
static const struct {
    bool (*fits)(const rncl_tensor_file *file);
    const char *text;
} variants[] = {
    {is_transformer, "it is a vision transformer"},
    {has_deep_stem, "its stem has three convolutions (ResNet-C, -D or -T, as timm's resnet50d)"},
    {has_attention, "its blocks have squeeze-and-excitation or attention (as timm's seresnet50)"},
    {has_blur_pooling, "it smooths before it samples (as timm's resnetblur50 and resnetaa50)"},
    {has_groups, "its convolutions have groups (ResNeXt)"},
    {is_wide, "its blocks are wider (Wide ResNet)"},
    {has_group_norm, "its normalisation has no running statistics (as timm's resnet50_gn)"},
    {has_stages,
     "its layers are named and built otherwise (ResNetV2, RegNet, ConvNeXt or transformers' ResNet)"},
    {has_features, "it is no ResNet (VGG, DenseNet, MobileNet or EfficientNet)"},
};

const char *rncl_model_variant(const rncl_tensor_file *file)
{
    for (size_t i = 0; i < COUNT(variants); i++)
        if (variants[i].fits(file))
            return variants[i].text;
    return NULL;
}

const char *rncl_model_variant_of_path(const char *path)
{
    static const char *const names[] = {"resnetaa", "resnetblur"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasestr(path, names[i]))
            return names[i];
    return NULL;
}
