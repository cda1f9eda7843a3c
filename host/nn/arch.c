/* Families by number, and the options of a network. */
#include "arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const struct arch {
    const char *name, *depths; /* "resnet", "18, 34" */
    const rncl_family *family;
} archs[] = {
#define ROW(constant, table, word, depth_list, remark)                                                       \
    [RNCL_ARCH_##constant] = {word, depth_list, &rncl_family_##table},
    RNCL_FAMILIES(ROW)
#undef ROW
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

const rncl_family *rncl_arch_family(rncl_arch arch)
{
    return archs[arch].family;
}

int rncl_arch_image(rncl_arch arch)
{
    return archs[arch].family->image;
}

int rncl_arch_drawn_image(rncl_arch arch)
{
    return archs[arch].family->drawn_image;
}

rncl_status rncl_arch_check_runs(rncl_arch arch)
{
    if (!archs[arch].family->counted_only)
        return RNCL_OK;
    char others[128] = "";
    size_t length = 0;
    for (size_t i = 0; i < COUNT(archs) && length < sizeof others; i++)
        if (!archs[i].family->counted_only)
            length += (size_t)snprintf(others + length, sizeof others - length, "%s%s", length ? ", " : "",
                                       archs[i].name);
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--arch %s is there to compare what networks cost, with `rncl info`; choose one of %s",
                     archs[arch].name, others);
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

static rncl_status check_shortcut(const struct arch *arch, rncl_shortcut shortcut)
{
    if (!rncl_shortcut_name(shortcut))
        return RNCL_FAIL(RNCL_ERR_USAGE, "shortcut %d does not exist", (int)shortcut);
    if (!arch->family->has_shortcuts && shortcut != RNCL_SHORTCUT_DEFAULT)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--shortcut %s: %s has no shortcuts; leave the option out",
                         shortcuts[shortcut], arch->name);
    return RNCL_OK;
}

static rncl_status check_depth(const struct arch *arch, int depth)
{
    const int nearest = arch->family->nearest_depth(depth);
    if (nearest == depth)
        return RNCL_OK;
    return RNCL_FAIL(RNCL_ERR_USAGE, "--depth %d: %s has %s; the nearest is %d", depth, arch->name,
                     arch->depths, nearest);
}

rncl_status rncl_arch_complete(const rncl_network_options *options, rncl_network_options *complete)
{
    *complete = *options;
    if (!rncl_arch_name(options->arch))
        return RNCL_FAIL(RNCL_ERR_USAGE, "architecture %d does not exist", (int)options->arch);
    const struct arch *arch = &archs[options->arch];
    const rncl_family *family = arch->family;
    RNCL_TRY(check_shortcut(arch, options->shortcut));
    if (options->shortcut == RNCL_SHORTCUT_DEFAULT && family->has_shortcuts)
        complete->shortcut = family->shortcut;
    complete->image = or_default(options->image, family->image);
    complete->channels = or_default(options->channels, 3);
    complete->classes = or_default(options->classes, family->classes);
    complete->stem_pool = or_default(options->stem_pool, 3);
    RNCL_TRY(check_sizes(complete));
    return check_depth(arch, options->depth);
}
