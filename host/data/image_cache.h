/* Decoded pictures that stay in memory: as many as fit into a budget, the first ones that come. */
#ifndef RNCL_DATA_IMAGE_CACHE_H
#define RNCL_DATA_IMAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "status.h"

typedef struct rncl_image_cache rncl_image_cache;

/* For a set of `count` pictures and `budget` bytes of pixels. */
rncl_status rncl_image_cache_create(uint32_t count, size_t budget, rncl_image_cache **out);
void rncl_image_cache_destroy(rncl_image_cache *cache); /* takes NULL */

/* Thread-safe. Copies picture `index`, decoded for `at_least`, for the caller to release; false if it is not
 * there. RNCL_ERR_MEMORY is no answer here: then it is not there either. */
bool rncl_image_cache_get(rncl_image_cache *cache, uint32_t index, uint32_t at_least, rncl_image *image);

/* Thread-safe. Keeps a copy, if there is room. */
void rncl_image_cache_put(rncl_image_cache *cache, uint32_t index, uint32_t at_least,
                          const rncl_image *image);

#endif
