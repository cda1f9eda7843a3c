/* WebP pictures. */
#include "picture_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_picture(RNCL_IMAGE_WEBP, data, size);
}
