/* Decoded pictures that stay in memory until the end: the first ones that come, as many as fit into a budget.
 */
#ifndef RNCL_DATA_IMAGE_CACHE_H
#define RNCL_DATA_IMAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "image_file.h"
#include "status.h"

typedef struct rncl_image_cache rncl_image_cache;

/* For a set of `count` pictures and `budget` bytes of pixels. */
rncl_status rncl_image_cache_create(uint32_t count, size_t budget, rncl_image_cache **out);
void rncl_image_cache_destroy(rncl_image_cache *cache); /* takes NULL */

/* Thread-safe. Lends picture `index`, decoded for `detail`; false if it is not there. */
bool rncl_image_cache_get(rncl_image_cache *cache, uint32_t index, const rncl_detail *detail,
                          rncl_image *image);

/* Thread-safe. If there is room, the picture becomes the cache's, and *image is lent. */
void rncl_image_cache_put(rncl_image_cache *cache, uint32_t index, const rncl_detail *detail,
                          rncl_image *image);

#endif
