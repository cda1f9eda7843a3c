/* A target for one kind of picture. The first byte is the size to decode at. Large pictures are skipped,
 * since they only take time. */
#ifndef RNCL_TESTS_FUZZ_PICTURE_INPUT_H
#define RNCL_TESTS_FUZZ_PICTURE_INPUT_H

#include "fuzz.h"
#include "image.h"

enum { MOST_PIXELS = 1 << 16 };

static inline int fuzz_picture(rncl_image_kind kind, const uint8_t *data, size_t size)
{
    rncl_image_header stored, header;
    if (size == 0 || rncl_image_recognise(data + 1, size - 1) != kind ||
        rncl_image_probe(data + 1, size - 1, &stored) || (uint64_t)stored.height * stored.width > MOST_PIXELS)
        return 0;
    rncl_image image;
    if (rncl_image_decode(data + 1, size - 1, data[0], &header, &image)) {
        FUZZ_CHECK(!image.pixels);
        return 0;
    }
    FUZZ_CHECK(image.height <= stored.height && image.width <= stored.width && image.height && image.width);
    FUZZ_CHECK(!rncl_image_orient(&image, header.orientation));
    /* Every byte must be initialised. */
    unsigned sum = 0;
    for (size_t i = 0; i < (size_t)image.height * image.width * 3; i++)
        sum += image.pixels[i];
    FUZZ_CHECK(sum <= 255u * 3 * image.height * image.width);
    rncl_image_fini(&image);
    return 0;
}

#endif
