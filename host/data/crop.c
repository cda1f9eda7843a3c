/* Crops as torchvision defines them, expressed as windows of the picture as it is: resizing and cropping are
 * then one pass over the pixels. */
#include "crop.h"

#include <math.h>

#include "util.h"

/* The sizes of the paper, for an input of 224; others are in proportion. */
enum { PAPER_IMAGE = 224, PAPER_EVALUATION = 256, PAPER_SHORTEST = 256, PAPER_LONGEST = 480 };

/* `size` of the paper for this input. */
static uint32_t in_proportion(int image, int size)
{
    return ((uint32_t)image * (uint32_t)size + PAPER_IMAGE / 2) / PAPER_IMAGE;
}

/* A picture resized so that its shorter side has `shorter` pixels, and what that was. */
typedef struct resized {
    uint32_t height, width;           /* after */
    uint32_t from_height, from_width; /* before */
} resized;

static resized resize_shorter(uint32_t height, uint32_t width, uint32_t shorter)
{
    const uint64_t least = MIN(height, width);
    return (resized){(uint32_t)(shorter * (uint64_t)height / least),
                     (uint32_t)(shorter * (uint64_t)width / least), height, width};
}

/* image x image pixels of the resized picture, as the window of the original that they come from. */
static rncl_window window_of(const resized *r, uint32_t top, uint32_t left, int image)
{
    const float rows = (float)r->from_height / (float)r->height;
    const float columns = (float)r->from_width / (float)r->width;
    return (rncl_window){.top = (float)top * rows,
                         .left = (float)left * columns,
                         .height = (float)image * rows,
                         .width = (float)image * columns};
}

/* Half of what is over, rounded as Python rounds. */
static uint32_t middle(uint32_t size, int image)
{
    return (uint32_t)lrintf((float)(size - (uint32_t)image) / 2);
}

rncl_crop rncl_crop_centre(uint32_t height, uint32_t width, int image)
{
    const resized r = resize_shorter(height, width, in_proportion(image, PAPER_EVALUATION));
    return (rncl_crop){.window = window_of(&r, middle(r.height, image), middle(r.width, image), image)};
}

rncl_crop rncl_crop_ten(uint32_t height, uint32_t width, int image, int number)
{
    enum { CORNERS = 4, PLACES = RNCL_TEN_CROPS / 2 };
    const bool flip = number >= PLACES;
    const int place = number % PLACES;
    if (place == CORNERS) {
        rncl_crop centre = rncl_crop_centre(height, width, image);
        centre.flip = flip;
        return centre;
    }
    const resized r = resize_shorter(height, width, in_proportion(image, PAPER_EVALUATION));
    const bool bottom = place / 2 == 1;
    const bool right = (place % 2 == 1) != flip; /* the left of the mirrored picture is its right */
    return (rncl_crop){.window = window_of(&r, bottom ? r.height - (uint32_t)image : 0,
                                           right ? r.width - (uint32_t)image : 0, image),
                       .flip = flip};
}

static float draw_between(rncl_random *random, float least, float most)
{
    return least + (most - least) * rncl_random_uniform(random);
}

static rncl_crop draw_centre(uint32_t height, uint32_t width, int image, rncl_random *random)
{
    (void)random;
    return rncl_crop_centre(height, width, image);
}

/* The largest window in the middle whose ratio of width to height is within the bounds. */
static rncl_window middle_within(uint32_t height, uint32_t width, float narrowest, float widest)
{
    uint32_t h = height, w = width;
    const float ratio = (float)width / (float)height;
    if (ratio < narrowest)
        h = (uint32_t)lrintf((float)width / narrowest);
    else if (ratio > widest)
        w = (uint32_t)lrintf((float)height * widest);
    const uint32_t top = (height - h) / 2, left = (width - w) / 2;
    return (rncl_window){.top = (float)top, .left = (float)left, .height = (float)h, .width = (float)w};
}

/* torchvision's RandomResizedCrop: 8 % to all of the area, width to height 3:4 to 4:3. Where ten tries do not
 * fit into the picture, the middle. */
static rncl_crop draw_imagenet(uint32_t height, uint32_t width, int image, rncl_random *random)
{
    enum { TRIES = 10 };
    static const float least_area = 0.08f, narrowest = 3.0f / 4, widest = 4.0f / 3;
    (void)image;
    rncl_window window = middle_within(height, width, narrowest, widest);
    for (int i = 0; i < TRIES; i++) {
        const float area = (float)height * (float)width * draw_between(random, least_area, 1);
        const float ratio = expf(draw_between(random, logf(narrowest), logf(widest)));
        const long w = lrintf(sqrtf(area * ratio)), h = lrintf(sqrtf(area / ratio));
        if (w < 1 || h < 1 || w > (long)width || h > (long)height)
            continue;
        window.top = (float)rncl_random_below(random, height - (uint32_t)h + 1);
        window.left = (float)rncl_random_below(random, width - (uint32_t)w + 1);
        window.height = (float)h;
        window.width = (float)w;
        break;
    }
    return (rncl_crop){.window = window, .flip = rncl_random_below(random, 2) == 1};
}

/* He et al. 2015, section 3.4: the shorter side resized to 256 … 480 for an input of 224, then any window. */
static rncl_crop draw_scale(uint32_t height, uint32_t width, int image, rncl_random *random)
{
    const uint32_t least = in_proportion(image, PAPER_SHORTEST), most = in_proportion(image, PAPER_LONGEST);
    const resized r = resize_shorter(height, width, least + rncl_random_below(random, most - least + 1));
    const uint32_t top = rncl_random_below(random, r.height - (uint32_t)image + 1);
    const uint32_t left = rncl_random_below(random, r.width - (uint32_t)image + 1);
    return (rncl_crop){.window = window_of(&r, top, left, image), .flip = rncl_random_below(random, 2) == 1};
}

/* Windows of RandomResizedCrop cover half of a side or more nine times in ten: with twice the input's size
 * only the few smaller ones lose detail. */
static const struct {
    rncl_crop (*draw)(uint32_t height, uint32_t width, int image, rncl_random *random);
    int detail; /* for an input of 224 */
    bool exact; /* evaluation, which is compared with other programs' */
} crops[] = {
    [RNCL_AUGMENT_NONE] = {draw_centre, PAPER_EVALUATION, true},
    [RNCL_AUGMENT_CIFAR] = {draw_centre, PAPER_EVALUATION, true},
    [RNCL_AUGMENT_IMAGENET] = {draw_imagenet, 2 * PAPER_IMAGE, false},
    [RNCL_AUGMENT_SCALE] = {draw_scale, PAPER_LONGEST, false},
};

rncl_crop rncl_crop_draw(rncl_augment augment, uint32_t height, uint32_t width, int image,
                         rncl_random *random)
{
    return crops[augment].draw(height, width, image, random);
}

rncl_detail rncl_crop_detail(rncl_augment augment, int image)
{
    return (rncl_detail){in_proportion(image, crops[augment].detail), crops[augment].exact};
}
