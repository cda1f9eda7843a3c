/* The decoders behind image.h: one file each, ending in its row. */
#ifndef RNCL_DATA_IMAGE_FORMATS_H
#define RNCL_DATA_IMAGE_FORMATS_H

#include <stdbool.h>

#include "image.h"

/* Larger pictures are refused, so that a hostile header cannot take all memory: 16384 x 12288, as the largest
 * sensors of telephones have it, 604 MB as RGB. */
#define RNCL_IMAGE_MOST_PIXELS (3u << 26)

typedef struct rncl_image_format {
    rncl_image_kind kind;
    bool (*recognises)(const uint8_t *bytes, size_t size);
    rncl_status (*probe)(const void *bytes, size_t size, rncl_image_header *header);
    /* Fills a zeroed image; what it has allocated on failure is the caller's to free. */
    rncl_status (*decode)(const void *bytes, size_t size, uint32_t at_least, rncl_image_header *header,
                          rncl_image *image);
} rncl_image_format;

extern const rncl_image_format rncl_image_png, rncl_image_jpeg, rncl_image_webp;

/* RNCL_ERR_DATA for sizes that no picture has. */
rncl_status rncl_image_check_size(uint32_t height, uint32_t width);

/* Memory for the pixels, of a size that is checked. RNCL_ERR_DATA, RNCL_ERR_MEMORY. */
rncl_status rncl_image_allocate(rncl_image *image, uint32_t height, uint32_t width);

#endif
