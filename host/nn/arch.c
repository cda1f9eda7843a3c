/* The architectures of He et al. 2015 (table 1 and section 4.2). */
#include "arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A depth that an architecture has. */
typedef struct depth_row {
    int depth;
    bool bottleneck;
    int blocks[RNCL_MAX_STAGES];
} depth_row;

/* Table 1. The plain networks have the first two rows. */
static const depth_row imagenet_depths[] = {
    {18, false, {2, 2, 2, 2}},  {34, false, {3, 4, 6, 3}},  {50, true, {3, 4, 6, 3}},
    {101, true, {3, 4, 23, 3}}, {152, true, {3, 8, 36, 3}},
};

/* Simonyan and Zisserman 2015, table 1, configuration E. */
static const depth_row vgg_depths[] = {{19, false, {2, 2, 4, 4, 4}}};

/* Section 4.2: 6n+2 layers. The limit only keeps mistakes from filling the memory. */
enum { CIFAR_FEWEST = 1, CIFAR_MOST = 1000 };

static const struct arch {
    const char *name;
    const depth_row *depths; /* NULL: 6n+2 */
    size_t depth_count;
    rncl_shortcut shortcut; /* default; RNCL_SHORTCUT_DEFAULT: it has none */
    int image, classes;     /* defaults */
    rncl_layout layout;     /* blocks aside */
} archs[] = {
#define IMAGENET .stem_window = 7, .stem_stride = 2, .stem_pool = true, .width = 64, .stages = 4
#define CIFAR .stem_window = 3, .stem_stride = 1, .width = 16, .stages = 3
    [RNCL_ARCH_RESNET] =
        {"resnet", imagenet_depths, 5, RNCL_SHORTCUT_B, 224, 1000, {IMAGENET, .shortcuts = true}},
    [RNCL_ARCH_PLAIN] = {"plain", imagenet_depths, 2, RNCL_SHORTCUT_DEFAULT, 224, 1000, {IMAGENET}},
    [RNCL_ARCH_CIFAR_RESNET] = {"cifar-resnet", NULL, 0, RNCL_SHORTCUT_A, 32, 10, {CIFAR, .shortcuts = true}},
    [RNCL_ARCH_CIFAR_PLAIN] = {"cifar-plain", NULL, 0, RNCL_SHORTCUT_DEFAULT, 32, 10, {CIFAR}},
    [RNCL_ARCH_VGG] =
        {"vgg", vgg_depths, 1, RNCL_SHORTCUT_DEFAULT, 224, 1000, {.width = 64, .stages = 5, .hidden = 4096}},
#undef IMAGENET
#undef CIFAR
};

static const char *const shortcuts[] = {
    [RNCL_SHORTCUT_DEFAULT] = "default",
    [RNCL_SHORTCUT_A] = "A",
    [RNCL_SHORTCUT_B] = "B",
    [RNCL_SHORTCUT_C] = "C",
};

const char *rncl_arch_name(rncl_arch arch)
{
    return (size_t)arch < COUNT(archs) ? archs[arch].name : NULL;
}

const char *rncl_shortcut_name(rncl_shortcut shortcut)
{
    return (size_t)shortcut < COUNT(shortcuts) ? shortcuts[shortcut] : NULL;
}

rncl_status rncl_arch_check_runs(rncl_arch arch)
{
    if (arch != RNCL_ARCH_VGG)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--arch vgg is there to compare what networks cost, with `rncl info`; choose resnet, "
                     "plain, cifar-resnet or cifar-plain");
}

/* "18, 34, 50, 101 and 152" */
static void list_depths(const struct arch *arch, char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < arch->depth_count; i++) {
        const char *separator = i == 0 ? "" : i + 1 < arch->depth_count ? ", " : " and ";
        int added = snprintf(text + length, size - length, "%s%d", separator, arch->depths[i].depth);
        length = MIN(length + (size_t)added, size - 1);
    }
}

static rncl_status listed_blocks(const struct arch *arch, int depth, rncl_layout *layout)
{
    int nearest = arch->depths[0].depth;
    for (size_t i = 0; i < arch->depth_count; i++) {
        const depth_row *row = &arch->depths[i];
        if (row->depth == depth) {
            layout->bottleneck = row->bottleneck;
            memcpy(layout->blocks, row->blocks, sizeof layout->blocks);
            return RNCL_OK;
        }
        if (llabs((long long)row->depth - depth) < llabs((long long)nearest - depth))
            nearest = row->depth;
    }
    char depths[64];
    list_depths(arch, depths, sizeof depths);
    return RNCL_FAIL(RNCL_ERR_USAGE, "--depth %d: %s has %s; the nearest is %d", depth, arch->name, depths,
                     nearest);
}

static rncl_status cifar_blocks(const struct arch *arch, int depth, rncl_layout *layout)
{
    int blocks = MAX(CIFAR_FEWEST, MIN(depth / 6, CIFAR_MOST)); /* of the nearest depth, too */
    if (depth != 6 * blocks + 2)
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--depth %d: %s has 6n+2 layers (20, 32, 44, 56, 110 … up to %d); the nearest is %d",
                         depth, arch->name, 6 * CIFAR_MOST + 2, 6 * blocks + 2);
    for (int i = 0; i < layout->stages; i++)
        layout->blocks[i] = blocks;
    return RNCL_OK;
}

/* The sizes in the options: what they are called, and between what they lie. */
static const struct size_option {
    const char *name;
    size_t field;
    int greatest;
    rncl_status status;
} size_options[] = {
    {"--image", offsetof(rncl_network_options, image), 65536, RNCL_ERR_SHAPE},
    {"channels of the image", offsetof(rncl_network_options, channels), RNCL_MAX_CHANNELS, RNCL_ERR_SHAPE},
    {"--classes", offsetof(rncl_network_options, classes), 1000000, RNCL_ERR_USAGE},
};

static rncl_status check_sizes(const rncl_network_options *options)
{
    for (size_t i = 0; i < COUNT(size_options); i++) {
        const struct size_option *size = &size_options[i];
        int value;
        memcpy(&value, (const char *)options + size->field, sizeof value);
        if (value < 1 || value > size->greatest)
            return RNCL_FAIL(size->status, "%s: %d is not in 1 to %d", size->name, value, size->greatest);
    }
    if (options->stem_pool != 2 && options->stem_pool != 3)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--stem-pool %dx%d: choose 3x3 or 2x2", options->stem_pool,
                         options->stem_pool);
    return RNCL_OK;
}

static int or_default(int value, int fallback)
{
    return value ? value : fallback;
}

rncl_status rncl_arch_resolve(const rncl_network_options *options, rncl_network_options *complete,
                              rncl_layout *layout)
{
    *complete = *options;
    if (!rncl_arch_name(options->arch))
        return RNCL_FAIL(RNCL_ERR_USAGE, "architecture %d does not exist", (int)options->arch);
    const struct arch *arch = &archs[options->arch];
    if (!rncl_shortcut_name(options->shortcut))
        return RNCL_FAIL(RNCL_ERR_USAGE, "shortcut %d does not exist", (int)options->shortcut);
    if (!arch->layout.shortcuts && options->shortcut != RNCL_SHORTCUT_DEFAULT)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--shortcut %s: %s has no shortcuts; leave the option out",
                         shortcuts[options->shortcut], arch->name);
    if (options->shortcut == RNCL_SHORTCUT_DEFAULT)
        complete->shortcut = arch->shortcut;
    complete->image = or_default(options->image, arch->image);
    complete->channels = or_default(options->channels, 3);
    complete->classes = or_default(options->classes, arch->classes);
    complete->stem_pool = or_default(options->stem_pool, 3);
    RNCL_TRY(check_sizes(complete));
    *layout = arch->layout;
    return (arch->depths ? listed_blocks : cifar_blocks)(arch, options->depth, layout);
}
