/* Which part of a picture of any size becomes the network's square input. */
#ifndef RNCL_DATA_CROP_H
#define RNCL_DATA_CROP_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "loader.h"
#include "random.h"

enum { RNCL_TEN_CROPS = 10 };

/* `window`, in pixels of the picture, is resized to image x image pixels and then mirrored, or not. */
typedef struct rncl_crop {
    rncl_window window;
    bool flip;
} rncl_crop;

/* What training with `augment` takes of a picture of height x width. Those that do not crop take the centre,
 * as evaluation does. */
rncl_crop rncl_crop_draw(rncl_augment augment, uint32_t height, uint32_t width, int image,
                         rncl_random *random);

/* Evaluation: the shorter side resized to image * 256 / 224 (He et al. 2015, section 3.4; torchvision's
 * Resize(256) and CenterCrop(224)), and the centre of that. */
rncl_crop rncl_crop_centre(uint32_t height, uint32_t width, int image);

/* The same with torchvision's TenCrop: `number` 0 to 4 are top left, top right, bottom left, bottom right and
 * centre, 5 to 9 the same places of the mirrored picture. */
rncl_crop rncl_crop_ten(uint32_t height, uint32_t width, int image, int number);

/* How large a decoded picture has to be for these crops. */
rncl_detail rncl_crop_detail(rncl_augment augment, int image);

#endif
