/* Turning pictures as EXIF's orientation says. Each orientation is a combination of exchanging rows with
 * columns, and of mirroring either side of the result. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

enum { RGB = 3, ORIENTATIONS = 8 };

/* Pixel (y, x) of the upright picture is pixel (y, x) of the stored one, after mirroring y and x in the
 * upright picture and then, if transposed, exchanging them. */
static const struct {
    bool transposed, mirror_rows, mirror_columns;
} turns[ORIENTATIONS + 1] = {
    [2] = {false, false, true}, /* mirrored */
    [3] = {false, true, true},  /* upside down */
    [4] = {false, true, false}, [5] = {true, false, false},
    [6] = {true, false, true},                             /* a quarter clockwise makes it upright */
    [7] = {true, true, true},   [8] = {true, true, false}, /* a quarter anticlockwise */
};

rncl_status rncl_image_orient(rncl_image *image, int orientation)
{
    if (orientation <= RNCL_UPRIGHT || orientation > ORIENTATIONS)
        return RNCL_OK;
    const bool transposed = turns[orientation].transposed;
    const uint32_t height = transposed ? image->width : image->height;
    const uint32_t width = transposed ? image->height : image->width;
    uint8_t *upright = malloc((size_t)height * width * RGB), *to = upright;
    if (!upright)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to turn a picture of %u x %u pixels",
                         (unsigned)image->width, (unsigned)image->height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++, to += RGB) {
            const size_t v = turns[orientation].mirror_rows ? height - 1 - y : y;
            const size_t u = turns[orientation].mirror_columns ? width - 1 - x : x;
            const size_t row = transposed ? u : v, column = transposed ? v : u;
            memcpy(to, image->pixels + (row * image->width + column) * RGB, RGB);
        }
    free(image->pixels);
    *image = (rncl_image){.height = height, .width = width, .pixels = upright};
    return RNCL_OK;
}
