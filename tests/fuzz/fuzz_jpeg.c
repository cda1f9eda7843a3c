/* JPEG pictures. The first byte is the size to decode at. Large pictures are left out: they only take time.
 */
#include "fuzz.h"
#include "image.h"

enum { MOST_PIXELS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t height = 0, width = 0;
    if (size == 0 || rncl_image_recognise(data + 1, size - 1) != RNCL_IMAGE_JPEG ||
        rncl_image_probe(data + 1, size - 1, &height, &width) || (uint64_t)height * width > MOST_PIXELS)
        return 0;
    rncl_image image;
    if (rncl_image_decode(data + 1, size - 1, data[0], &image)) {
        FUZZ_CHECK(!image.pixels);
        return 0;
    }
    FUZZ_CHECK(image.height <= height && image.width <= width && image.height && image.width);
    /* Every byte is there. */
    unsigned sum = 0;
    for (size_t i = 0; i < (size_t)image.height * image.width * 3; i++)
        sum += image.pixels[i];
    FUZZ_CHECK(sum <= 255u * 3 * image.height * image.width);
    rncl_image_fini(&image);
    return 0;
}
